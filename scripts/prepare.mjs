// Makes a checkout ready to run: dependencies installed, Prisma client generated, sources compiled, workflows bundled.
// Does nothing when all of that is newer than what it is made from.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const at = (...parts) => path.join(root, ...parts);
const modifiedMs = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

function newestMs(folder, skip) {
  return readdirSync(folder, { withFileTypes: true }).reduce((newest, entry) => {
    const file = path.join(folder, entry.name);
    if (file === skip) return newest;
    return Math.max(newest, entry.isDirectory() ? newestMs(file, skip) : modifiedMs(file));
  }, 0);
}

function run(what, command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  console.error(
    `${what} failed${error ? `: ${error.message}` : ''}. Run it by hand: ${command} ${args.join(' ')}`,
  );
  process.exit(1);
}

function requireSupportedNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(
    `Node ${process.versions.node} is too old: install Node 20.19 or newer, then run this again.`,
  );
  process.exit(1);
}

export async function prepare() {
  requireSupportedNode();
  if (modifiedMs(at('node_modules/.package-lock.json')) < modifiedMs(at('package-lock.json'))) {
    console.error('Installing dependencies …');
    run('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  }
  const generated = at('src/db/generated');
  const sourcesMs = Math.max(
    newestMs(at('src'), generated),
    ...['prisma/schema.prisma', 'tsconfig.json', 'package-lock.json'].map((file) => modifiedMs(at(file))),
  );
  const stamp = at('dist/.built');
  if (modifiedMs(stamp) > sourcesMs) return;
  console.error('Building …');
  if (modifiedMs(path.join(generated, 'client.ts')) < modifiedMs(at('prisma/schema.prisma'))) {
    run('Generating the Prisma client', process.execPath, [
      at('node_modules/prisma/build/index.js'),
      'generate',
    ]);
  }
  rmSync(at('dist'), { recursive: true, force: true });
  run('Compiling', process.execPath, [at('node_modules/typescript/bin/tsc')]);
  await bundleWorkflows();
  writeFileSync(stamp, '');
}

/** Workers and the replay tests load this one bundle, so what is tested is what runs. */
async function bundleWorkflows() {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quiet = () => {};
  const logger = {
    log: quiet,
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: console.error,
    error: console.error,
  };
  const { code } = await bundleWorkflowCode({ workflowsPath: at('dist/workflows/index.js'), logger });
  writeFileSync(at('dist/workflow-bundle.js'), code);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await prepare();
