// `npm run bench -- NAME [options]`: prepares the checkout, then runs bench/NAME.mjs.
import { existsSync } from 'node:fs';
import { prepare } from '../scripts/prepare.mjs';

const [name, ...options] = process.argv.slice(2);
const file = new URL(`./${name}.mjs`, import.meta.url);
if (name === undefined || name === 'main' || !existsSync(file)) {
  console.error(`usage:
  npm run bench -- reconcile [--users 10000,100000] [--rounds 3] [--part 2000] [--parallel 4]
  npm run bench -- idle-tick [--users 10000,100000,1000000] [--ticks 20]
  npm run bench -- large-sweep [--users 1000000] [--latency 200] [--rate 20]
  npm run bench -- churn [--users 100000] [--changes 1000] [--rate 20]
  npm run bench -- sign-in [--users 500] [--requests 20000] [--latency 20]
  npm run bench -- freeze [--process worker] [--freezes 20] [--seconds 10] [--users 300] [--parallel 16]
  npm run bench -- outage [--seconds 100] [--rounds 3]`);
  process.exit(2);
}
await prepare();
const { default: bench } = await import(file.href);
await bench(options);
