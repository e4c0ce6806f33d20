import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Import {
  /** The importing file, from the root of the checkout, with slashes: `src/db/database.ts`. */
  file: string;
  /** As it is written: `../names.js`, `pg`, `node:fs`. */
  specifier: string;
  /** `import type …`, which leaves nothing behind; `import { type A }` still loads the file. */
  typeOnly: boolean;
}

/** Every source file of ours, from the root of the checkout, with slashes; without what Prisma generates. */
export function sourceFiles(): string[] {
  return readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file.replaceAll(path.sep, '/')}`)
    .filter((file) => file.endsWith('.ts') && !file.startsWith('src/db/generated/'))
    .sort();
}

/** A source file's text without its comments. */
export function readCode(file: string): string {
  const source = readFileSync(path.join(root, file), 'utf8');
  return source.replaceAll(/^\s*\/\*\*?[\s\S]*?\*\/$|^\s*\/\/.*$/gm, '');
}

/** The imports, re-exports and dynamic imports of a file. */
export function importsIn(file: string, code: string): Import[] {
  const declared = [...code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)];
  const dynamic = [...code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)];
  return [
    ...declared.map(([, type, specifier = '']) => ({ file, specifier, typeOnly: type !== undefined })),
    ...dynamic.map(([, specifier = '']) => ({ file, specifier, typeOnly: false })),
  ];
}
