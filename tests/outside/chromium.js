// Chromium opens pages of a server. Usage: node chromium.js '{"url":..,"key":..,"program":..,"root":bool,"paths":[..]}'
'use strict';
const {chromium} = require('playwright-core');
const {check, mustFail, faultOf} = require('./checks.js');

const {url, key, program, root, paths} = JSON.parse(process.argv[2]);

async function main() {
  const browser = await chromium.launch({executablePath: program, args: root ? ['--no-sandbox'] : []});
  try {
    const page = await browser.newPage();
    const faults = [];
    page.on('console', message => {
      // A browser looks for an icon by itself.
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) faults.push(message.text());
    });
    page.on('pageerror', fault => faults.push(String(fault)));

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

    // The public pages, as soon as the server has them: a stranger's token shows a page, does nothing, needs no script.
    if (paths.includes('/u/{token}')) {
      const bare = await (await browser.newContext({javaScriptEnabled: false})).newPage();
      const asked = [];
      bare.on('request', request => asked.push(request.url()));
      const shown = await bare.goto(`${url}/u/no-such-token`);
      check('/u/{token}: a page for people', /^text\/html/.test(shown.headers()['content-type']), shown.status());
      check('/u/{token}: it has a language and a title', await bare.locator('html').getAttribute('lang') &&
            (await bare.title()) !== '', await bare.content());
      check('/u/{token}: it asks nothing of others', asked.every(one => one.startsWith(url)), asked.join(' '));
      mustFail('/u/{token}: a token that is none is refused', shown.status() >= 400 && shown.status() < 500, shown.status());
    }
    await page.goto('about:blank');
    mustFail('a server that is not there', await faultOf(page.goto('http://127.0.0.1:1/')), 'it opened');
  } finally {
    await browser.close();
  }
}
main().catch(fault => check('the script goes through', false, fault.stack));
