// Renders templates with liquidjs. A line {"template":TEXT,"data":{},"templates":{NAME:TEXT}} in, a line
// {"out":TEXT} or {"error":WHY} out.
'use strict';
const path = require('path');
const readline = require('readline');
const {Liquid} = require(path.join(process.env.DW_NODE_MODULES, 'liquidjs'));

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    const test = JSON.parse(line);
    const answer = {};
    try {
      const engine = new Liquid({templates: test.templates || {}, timezoneOffset: 0});
      answer.out = await engine.parseAndRender(test.template, test.data || {});
    } catch (error) {
      answer.error = String(error.message);
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
})();
