import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const EMBEDDED = new URL('../../dist/embedded/', import.meta.url).href;

export interface ScriptProcess<T> {
  /** What the script printed, parsed. */
  printed: T;
  /** Ends it; SIGKILL gives it no chance to tidy up. */
  kill(signal: NodeJS.Signals): Promise<void>;
  pid: number;
  /** Resolves with the exit code, null after a signal. */
  exited: Promise<number | null>;
}

/**
 * Runs a script in a Node process of its own, after `import` of a function from dist/embedded.
 *
 * @param script prints one line of JSON.
 * @returns once it printed.
 * @throws Error with its standard error when it ends without.
 */
export async function runScript<T>(
  importedFunction: string,
  script: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ScriptProcess<T>> {
  const file = importedFunction.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const code = `import { ${importedFunction} } from '${EMBEDDED}${file}.js';\n${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { env });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), exited]);
  if (!Array.isArray(line)) throw new Error(`The script ended with ${line}: ${errors}`);
  return {
    printed: JSON.parse(String(line[0])) as T,
    pid: child.pid ?? 0,
    exited,
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
