import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { Pool } from 'pg';

/** What of WebAssembly is used; TypeScript declares it in its DOM library only. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

let loaded: Promise<void> | undefined;

/**
 * Runs Prisma's own schema engine as WebAssembly, from an npm package: migrating needs no downloaded binary.
 *
 * @param databaseUrl the database it works on; no connection is left when this returns.
 */
export async function withSchemaEngine<Result>(
  databaseUrl: string,
  work: (engine: glue.SchemaEngine) => Promise<Result>,
): Promise<Result> {
  loaded ??= load();
  await loaded;
  // The engine never closes what it opens, so the pool is ours.
  const pool = new Pool({ connectionString: databaseUrl });
  try {
    const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
    return await work(await glue.SchemaEngine.new({ datamodels: undefined }, () => undefined, adapter));
  } finally {
    await pool.end();
  }
}

async function load(): Promise<void> {
  // The package's own entry imports the .wasm file as a module, which Node does not do.
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(path.join(path.dirname(entry), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': withoutLingering() });
  const { __wbg_set_wasm: connect } = glue as unknown as { __wbg_set_wasm(exports: object): void };
  connect(instance.exports);
  instance.exports.__wbindgen_start();
}

/** The engine leaves a timer of 10 s behind, for which the process would stay alive. */
function withoutLingering(): object {
  const setTimers = Object.keys(glue).filter((name) => name.startsWith('__wbg_setTimeout'));
  const unreferenced = (run: () => void, ms: number) => setTimeout(run, ms).unref();
  return { ...glue, ...Object.fromEntries(setTimers.map((name) => [name, unreferenced])) };
}
