// The forty conditions in json-rules-engine and zen-engine, on the figures that bench_rules wrote.
//   node conditions.mjs DIRECTORY [--json]     DIRECTORY has rules.json and node_modules
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const directory = resolve(process.argv[2]);
const asJson = process.argv[3] === "--json";
const rounds = 5;
const require = createRequire(directory + "/");
const { Engine } = require("json-rules-engine");
const { ZenEngine } = require("@gorules/zen-engine");
const { rules, figures } = JSON.parse(readFileSync(directory + "/rules.json", "utf8"));
const reports = figures.map((row) => Object.fromEntries(row.map((value, k) => ["f" + k, value])));

// json-rules-engine: one rule each, its event fires when all conditions hold.
function jsonRules() {
  const engine = new Engine();
  rules.forEach((rule, i) =>
    engine.addRule({
      conditions: {
        all: rule.all.map(({ field, above, bound }) => ({
          fact: "f" + field,
          operator: above ? "greaterThanInclusive" : "lessThanInclusive",
          value: bound,
        })),
      },
      event: { type: "rule-" + i },
    }),
  );
  return async (report) => (await engine.run(report)).events.length;
}

// zen-engine: a decision table, one row each, all rows that hold are collected.
function zen() {
  const inputs = Object.keys(reports[0]).map((field) => ({ id: field, field, name: field }));
  const rows = rules.map((rule, i) => {
    const row = { _id: "r" + i, out: String(i) };
    for (const { id } of inputs) row[id] = "";
    for (const { field, above, bound } of rule.all) row["f" + field] = `${above ? ">=" : "<="} ${bound}`;
    return row;
  });
  const content = {
    nodes: [
      { id: "in", name: "in", type: "inputNode", position: { x: 0, y: 0 } },
      { id: "table", name: "table", type: "decisionTableNode", position: { x: 1, y: 0 },
        content: { hitPolicy: "collect", inputs, outputs: [{ id: "out", field: "rule", name: "rule" }], rules: rows } },
      { id: "out", name: "out", type: "outputNode", position: { x: 2, y: 0 } },
    ],
    edges: [
      { id: "a", type: "edge", sourceId: "in", targetId: "table" },
      { id: "b", type: "edge", sourceId: "table", targetId: "out" },
    ],
  };
  const decision = new ZenEngine().createDecision(Buffer.from(JSON.stringify(content)));
  return async (report) => (await decision.evaluate(report)).result.length;
}

const engines = { "json-rules-engine": [jsonRules(), 2000], "zen-engine": [zen(), 20000] };
const seconds = { "json-rules-engine": [], "zen-engine": [] };
const held = {};
for (let round = 0; round < rounds; round++)
  for (const [name, [evaluate, count]] of Object.entries(engines)) {
    let sum = 0;
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) sum += await evaluate(reports[i]);
    seconds[name].push(Number(process.hrtime.bigint() - start) / 1e9 / count);
    held[name] = sum;
  }
const expected = (count) =>
  reports.slice(0, count).reduce((sum, report) =>
    sum + rules.filter((rule) => rule.all.every(({ field, above, bound }) =>
      above ? report["f" + field] >= bound : report["f" + field] <= bound)).length, 0);
for (const [name, [, count]] of Object.entries(engines)) {
  if (held[name] !== expected(count)) throw new Error(`${name}: ${held[name]} held, expected ${expected(count)}`);
  const rate = 1 / seconds[name].sort((a, b) => a - b)[rounds >> 1];
  if (asJson) console.log(JSON.stringify({ bench: "rules", name, value: rate, unit: "reports/s", held: held[name] }));
  else console.log(`${name.padEnd(24)} ${rate.toFixed(0).padStart(12)} reports/s   ${held[name]} conditions held in ${count}`);
}
