// What scripts of this folder print: a check a line, read by bed.py.
'use strict';

function check(name, good, shown, mustFail = false) {
  console.log(JSON.stringify({name, good: Boolean(good), shown: good ? '' : String(shown ?? ''), mustFail}));
}
const mustFail = (name, failed, shown) => check(name, failed, shown, true);

// What a promise is rejected with; undefined: it is not.
async function faultOf(promise) {
  try {
    await promise;
  } catch (fault) {
    return fault;
  }
  return undefined;
}

module.exports = {check, mustFail, faultOf};
