// `npm run bench -- NAME [options]`: prepares the checkout, then runs bench/NAME.mjs.
import { existsSync } from 'node:fs';
import { prepare } from '../scripts/prepare.mjs';

const [name, ...options] = process.argv.slice(2);
const file = new URL(`./${name}.mjs`, import.meta.url);
if (name === undefined || name === 'main' || !existsSync(file)) {
  console.error('usage: npm run bench -- first-sweep [--users 100000]');
  process.exit(2);
}
await prepare();
const { default: bench } = await import(file.href);
await bench(options);
