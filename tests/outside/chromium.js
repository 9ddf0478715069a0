// Chromium opens pages of a server. Usage: node chromium.js '{"url":..,"key":..,"program":..,"root":bool,"link":..}'
'use strict';
const {chromium} = require('playwright-core');
const {check, mustFail, faultOf} = require('./checks.js');

const {url, key, program, root, link} = JSON.parse(process.argv[2]);

// What the browser has against a page, as it comes in.
function faultsOf(page) {
  const faults = [];
  page.on('console', message => {
    // A browser looks for an icon by itself.
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) faults.push(message.text());
  });
  page.on('pageerror', fault => faults.push(String(fault)));
  return faults;
}

async function health(browser) {
  const page = await browser.newPage();
  const faults = faultsOf(page);
  const answer = await page.goto(`${url}/health/ready`);
  const told = JSON.parse(await page.locator('body').innerText());
  check('/health/ready: JSON that says ready', answer.status() === 200 && told.ready === true, JSON.stringify(told));
  check('/health/ready: the browser has nothing against it', faults.length === 0, faults.join('\n'));

  // EventSource of a browser sends no key of its own: fetch does.
  const block = await page.evaluate(async key => {
    const answer = await fetch('/v1/views/board/stream', {headers: {authorization: `Bearer ${key}`}});
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('\n\n')) text += (await reader.read()).value;
    await reader.cancel();
    return [answer.headers.get('content-type'), text.slice(0, text.indexOf('\n\n'))];
  }, key);
  check('a stream is read in the page', block[0].startsWith('text/event-stream') && block[1].includes('event: rows'),
        block.join('\n'));
  const refused = await page.goto(`${url}/v1/views`);
  mustFail('without a key a page of data is refused', refused.status() === 401, refused.status());
}

async function withdrawals() {
  const answer = await fetch(`${url}/v1/events?type=consent.withdrawn`, {headers: {authorization: `Bearer ${key}`}});
  return answer.json();
}

// The link with its character at `at` (from the end, if negative) replaced by the next of its alphabet.
function changed(link, at) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const begin = link.lastIndexOf('/') + 1;
  const index = at < 0 ? link.length + at : begin + at;
  const next = alphabet[alphabet.indexOf(link[index]) ^ 1];
  return link.slice(0, index) + next + link.slice(index + 1);
}

// A link that is not one of ours: no button, it says so, and posting to it all the same withdraws nothing.
async function wrongLink(browser, what, wrong) {
  const page = await browser.newPage();
  const shown = await page.goto(wrong);
  const text = await page.locator('body').innerText();
  mustFail(`${what}: 404, it says so, and has no button`, shown.status() === 404 && text.includes('not complete') &&
           await page.locator('button, form, input').count() === 0, `${shown.status()} ${text}`);
  const posted = await page.request.post(wrong, {form: {'List-Unsubscribe': 'One-Click'}});
  mustFail(`${what}: posted to, it is refused and withdraws nothing`,
           posted.status() === 404 && (await withdrawals()).length === 0, posted.status());
  await page.close();
}

// As in a mail program that shows pages bare: it needs no script and asks nothing of others.
async function bareLook(browser) {
  const page = await (await browser.newContext({javaScriptEnabled: false})).newPage();
  const faults = faultsOf(page);
  const asked = [];
  page.on('request', request => asked.push(request.url()));
  const shown = await page.goto(link);
  check('/u/{token}: a page for people', shown.status() === 200 && /^text\/html/.test(shown.headers()['content-type']),
        shown.status());
  check('/u/{token}: it has a language and a title', await page.locator('html').getAttribute('lang') === 'en' &&
        await page.title() === 'Unsubscribe', await page.content());
  check('/u/{token}: it says what it is about, with two buttons', await page.getByRole('button').count() === 2 &&
        (await page.locator('main').innerText()).includes('nurture'), await page.content());
  check('/u/{token}: it asks nothing of others', asked.every(one => one.startsWith(url)), asked.join(' '));
  check('/u/{token}: the browser has nothing against it', faults.length === 0, faults.join('\n'));
  const there = await withdrawals();
  check('/u/{token}: opening it withdraws nothing', there.length === 0, JSON.stringify(there));
  await page.close();
}

async function press(browser) {
  const page = await browser.newPage();
  const faults = faultsOf(page);
  await page.goto(link);
  const [answer] = await Promise.all([
    page.waitForResponse(one => one.request().method() === 'POST'),
    page.getByRole('button', {name: 'Only no more of these'}).click(),
  ]);
  await page.waitForLoadState();
  const text = await page.locator('main').innerText();
  check('the button: the page says that it is done', answer.status() === 200 && answer.url() === link &&
        text.includes('You are unsubscribed') && text.includes('nurture') && await page.getByRole('button').count() === 0,
        `${answer.status()} ${text}`);
  // The answer comes when the fact is folded: nothing is waited for.
  const there = await withdrawals();
  check('the button: the API has consent.withdrawn', there.length === 1 && there[0].event.type === 'consent.withdrawn' &&
        there[0].event.data.purpose === 'nurture', JSON.stringify(there));
  check('the button: no violation of the policy in the console', faults.length === 0, faults.join('\n'));
  await page.close();
}

// That silence of the console means something: it tells what a policy forbids, that of the page and one without its form.
async function forbidden(browser) {
  const page = await browser.newPage();
  const told = () => page.waitForEvent('console', one => one.text().includes('Content Security Policy'));
  await page.goto(link);
  const [ofScript] = await Promise.all([told(), page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  })]);
  mustFail('a script in the page does not run', ofScript.type() === 'error' &&
           await page.evaluate(() => window.ran === undefined), ofScript.text());
  await page.route(link, async route => {
    const response = await route.fetch();
    await route.fulfill({response, headers: {...response.headers(), 'content-security-policy': "form-action 'none'"}});
  });
  await page.goto(link);
  const [ofForm] = await Promise.all([told(), page.getByRole('button').first().dispatchEvent('click')]);  // click() would wait for a page
  const there = await withdrawals();
  mustFail('a policy that forbids the form: the button does nothing', ofForm.type() === 'error' &&
           ofForm.text().includes('form-action') && there.length === 0, `${ofForm.text()} ${JSON.stringify(there)}`);
  await page.close();
}

async function main() {
  const browser = await chromium.launch({executablePath: program, args: root ? ['--no-sandbox'] : []});
  try {
    await health(browser);
    await wrongLink(browser, 'a link that is none', `${url}/u/no-such-token`);
    await wrongLink(browser, 'a link with its first character changed', changed(link, 0));
    await wrongLink(browser, 'a link with one in the middle changed', changed(link, 20));
    await wrongLink(browser, 'a link with its last character changed', changed(link, -1));
    await wrongLink(browser, 'a link that was cut', link.slice(0, -1));
    await bareLook(browser);
    await forbidden(browser);
    await press(browser);
    const page = await browser.newPage();
    mustFail('a server that is not there', await faultOf(page.goto('http://127.0.0.1:1/')), 'it opened');
  } finally {
    await browser.close();
  }
}
main().catch(fault => check('the script goes through', false, fault.stack));
