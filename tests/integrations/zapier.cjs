// Runs steps of the integration as Zapier does: for each line that comes in, `{method, bundle}`, a line goes out,
// `{results}` or `{error}`. `method` is a step's place in the app, or `validate` for the whole of it.

const { createInterface } = require('node:readline');

const folder = process.argv[2];
const app = require(folder);
const { createAppHandler, createAppTester } = require(`${folder}/node_modules/zapier-platform-core`);

// The platform's own remarks would stand among the answers.
const write = process.stdout.write.bind(process.stdout);
for (const name of ['log', 'info', 'warn', 'error']) console[name] = () => {};
process.stdout.write = () => true;

const test = createAppTester(app);

async function run({ method, bundle }) {
  if (method === 'validate') return (await createAppHandler(app)({ command: 'validate' })).results;
  return test(method.split('.').reduce((part, name) => part[name], app), bundle);
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await run(JSON.parse(line)).then(
      (results) => ({ results }),
      (error) => ({ error: { name: error.name, message: error.message } }),
    );
    write(`${JSON.stringify(answer)}\n`);
  }
}

main();
