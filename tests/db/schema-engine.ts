import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlQueryable,
} from '@prisma/driver-adapter-utils';
import * as glue from '@prisma/schema-engine-wasm/schema_engine_bg';
import { Pool, type QueryResult } from 'pg';

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
  // The engine never closes what it opens, so the pools are ours.
  const pool = new Pool({ connectionString: databaseUrl });
  pool.on('error', () => undefined);
  const shadows: { name: string; pool: Pool }[] = [];
  const adapter = new PrismaPg(pool);
  // The adapter's own would connect to the database of the connection string again.
  adapter.connectToShadowDb = async () => {
    const name = `shadow_${randomBytes(8).toString('hex')}`;
    await pool.query(`CREATE DATABASE ${name} STRATEGY FILE_COPY`);
    const url = new URL(databaseUrl);
    url.pathname = name;
    const shadow = { name, pool: new Pool({ connectionString: url.href }) };
    shadow.pool.on('error', () => undefined);
    shadows.push(shadow);
    return withChars(await new PrismaPg(shadow.pool).connect(), shadow.pool);
  };
  const connect = adapter.connect.bind(adapter);
  adapter.connect = async () => withChars(await connect(), pool);
  try {
    const factory = bindMigrationAwareSqlAdapterFactory(adapter);
    return await work(await glue.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory));
  } finally {
    for (const shadow of shadows) {
      await shadow.pool.end();
      await pool.query(`DROP DATABASE ${shadow.name} WITH (FORCE)`);
    }
    await pool.end();
  }
}

const CHAR_OID = 18;
const TEXT_OID = 25;

/** Gives the engine what the catalogue has of the type "char", which the adapter does not know; its 0 is empty text to the driver. */
function withChars<Adapter extends SqlQueryable>(adapter: Adapter, pool: Pool): Adapter {
  let chars: number[] = [];
  const query = pool.query.bind(pool) as unknown as (statement: object) => Promise<QueryResult>;
  Object.assign(pool, {
    query: async (statement: object) => {
      const result = await query(statement);
      chars = result.fields.flatMap(({ dataTypeID }, at) => (dataTypeID === CHAR_OID ? [at] : []));
      for (const field of result.fields) if (field.dataTypeID === CHAR_OID) field.dataTypeID = TEXT_OID;
      return result;
    },
  });
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (statement) => {
    const { columnTypes, rows, ...result } = await queryRaw(statement);
    const found = chars;
    return {
      ...result,
      columnTypes: columnTypes.map((type, at) => (found.includes(at) ? ColumnTypeEnum.Character : type)),
      rows: rows.map((row) => row.map((value, at) => (found.includes(at) && value === '' ? '\0' : value))),
    };
  };
  return adapter;
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
