// `npm start`: prepares the checkout, then runs everything in this process.
import { prepare } from './prepare.mjs';

await prepare();
process.setSourceMapsEnabled(true);
process.argv.splice(2, 0, 'start');
await import('../dist/cli/main.js');
