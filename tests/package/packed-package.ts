import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** An application beside nothing but the package as npm would publish it. */
export interface ApplicationProject {
  readonly folder: string;
  /** Writes a file and runs it. @returns what it printed. */
  run(file: string, code: string): string;
  /** Type-checks a file, declarations of packages included. @returns what the compiler said; '' when all is well. */
  check(file: string, code: string, options: Record<string, unknown>): string;
  remove(): void;
}

/**
 * Packs this package and unpacks it into an empty project. The project lies within our node_modules, so that the
 * package's own dependencies are found there.
 */
export function createApplicationProject(kind: 'module' | 'commonjs'): ApplicationProject {
  const cache = path.join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'application-'));
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { filename: string }[];
  const own = path.join(folder, 'node_modules', 'clerk-temporal-sync');
  mkdirSync(own, { recursive: true });
  execFileSync('tar', [
    '-xzf',
    path.join(folder, packed[0]?.filename ?? ''),
    '-C',
    own,
    '--strip-components=1',
  ]);
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type: kind, private: true }));

  const write = (file: string, code: string) => writeFileSync(path.join(folder, file), code);
  return {
    folder,
    run(file, code) {
      write(file, code);
      return execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
    },
    check(file, code, options) {
      write(file, code);
      const compilerOptions = { noEmit: true, strict: true, target: 'es2023', types: ['node'], ...options };
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
      try {
        execFileSync(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], {
          encoding: 'utf8',
        });
        return '';
      } catch (error) {
        return (error as { stdout: string }).stdout;
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
