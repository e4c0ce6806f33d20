// `npm run record-histories [-- --all | --beside NAME] [-- jest's arguments]`: prepares the checkout, then runs every
// scenario of tests/record-histories against real servers and keeps the histories in tests/histories.
//
// A recorded history is evidence of what runs in the wild, so a file that exists is left alone. When a replay turns
// red, the code has to keep the old path with patched(); recording again would only destroy the evidence. See
// docs/replay.md.
//
//   --all          overwrites every file. For the time before the first release, when nothing runs in the wild yet.
//   --beside NAME  keeps what is there and writes `<scenario>.NAME.json` beside it: the path after a patched().
//   -t PATTERN     one of jest's: only the scenarios whose name matches.
import path from 'node:path';
import { prepare, root } from './prepare.mjs';
import { runJest } from './run-jest.mjs';

const options = process.argv.slice(2);
const all = options.includes('--all');
const besideAt = options.indexOf('--beside');
const beside = besideAt < 0 ? undefined : (options[besideAt + 1] ?? '');
if (beside !== undefined && (all || !/^\w[\w-]*$/.test(beside))) {
  console.error('--beside takes a name of letters, digits, "-" and "_", and goes without --all.');
  process.exit(2);
}
const forJest = options.filter(
  (option, at) => option !== '--all' && (besideAt < 0 || (at !== besideAt && at !== besideAt + 1)),
);

await prepare();
runJest(['--config', path.join(root, 'tests/record-histories/jest.config.mjs'), '--verbose', ...forJest], {
  ...(all ? { RECORD_HISTORIES_ALL: 'yes' } : {}),
  ...(beside ? { RECORD_HISTORIES_BESIDE: beside } : {}),
});
