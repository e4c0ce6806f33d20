// `npm test [-- jest's arguments]`: prepares the checkout, then runs Jest.
import { prepare } from './prepare.mjs';
import { runJest } from './run-jest.mjs';

await prepare();
runJest(process.argv.slice(2));
