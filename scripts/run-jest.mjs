// Jest over ES modules, in the checkout's root; its exit code becomes ours.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { root } from './prepare.mjs';

export function runJest(args, env = {}) {
  const jest = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      path.join(root, 'node_modules/jest/bin/jest.js'),
      ...args,
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } },
  );
  jest.on('exit', (code, signal) => {
    process.exitCode = signal ? 1 : (code ?? 1);
  });
}
