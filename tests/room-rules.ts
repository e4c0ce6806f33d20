import path from 'node:path';
import type { Import } from './read-imports.js';

/** Importable by everybody, and importing none of our rooms: the message, the names, the codes, the counts. */
const PURE = [
  'user-change',
  'user-mapping',
  'mapped-value',
  'names',
  'failures',
  'content-fields',
  'reconcile-totals',
  'drift',
  'planned',
  'witnesses',
  'sweep-is-due',
  'sweep-windows',
  'postgres-address',
];

interface Room {
  /** The rooms and files of src that it may import. */
  rooms: readonly string[];
  /** Those it may `import type` besides. */
  types?: readonly string[];
  /** If set, the only packages it may import; `@scope/` stands for a scope. */
  packages?: readonly string[];
  wayOut: string;
}

const pure: Room = {
  rooms: PURE,
  packages: ['@temporalio/common'],
  wayOut: 'workflow code loads this file: move what needs more into the room that uses it.',
};

const ROOMS: Record<string, Room> = {
  ...Object.fromEntries(PURE.map((name) => [name, pure])),
  'user-mapping': {
    rooms: PURE,
    packages: ['@clerk/backend'],
    wayOut:
      "an application imports it to say what it maps: it knows the type of Clerk's user, and nothing else.",
  },
  'clerk-sync-config': {
    rooms: ['user-hooks', 'user-mapping'],
    types: ['db'],
    wayOut: 'an application imports it to configure us, which must drag nothing in.',
  },
  'user-hooks': {
    rooms: ['user-change'],
    types: ['db', 'user-mapping'],
    packages: [],
    wayOut: 'an application imports it beside its hooks: types, and a check of what it is given.',
  },
  log: { rooms: [], wayOut: 'the logger knows nothing of what is logged.' },
  config: {
    rooms: ['postgres-address'],
    wayOut: 'config is handed to whoever needs it; a process entry point in cli does that.',
  },
  workflows: {
    rooms: [
      'user-change',
      'names',
      'failures',
      'reconcile-totals',
      'drift',
      'planned',
      'witnesses',
      'sweep-is-due',
      'sweep-windows',
    ],
    types: ['activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    wayOut:
      'workflows only decide, and are replayed: let an activity do it, and import its type with `import type`.',
  },
  activities: {
    rooms: ['clerk', 'db', 'log', 'user-hooks', ...PURE],
    packages: ['@temporalio/activity', '@temporalio/common', '@temporalio/proto', 'node:', 'lru-cache'],
    wayOut: 'what an activity needs comes in through ActivityDependencies, built by the worker.',
  },
  clerk: {
    rooms: ['log', ...PURE],
    wayOut:
      "clerk turns Clerk's words into ours and knows neither Postgres nor Temporal: join them in an activity.",
  },
  db: {
    rooms: ['log', ...PURE],
    wayOut: 'db writes what it is given and asks nobody: join it with clerk in an activity.',
  },
  'sign-in': {
    rooms: ['clerk', 'db', 'log', ...PURE],
    wayOut: 'an application imports sign-in, which must drag in neither Temporal nor the starter.',
  },
  index: {
    rooms: ['sign-in', 'clerk', 'db', 'clerk-sync-config', 'user-hooks', 'user-mapping', ...PURE],
    wayOut: 'the package hands out what an application needs, which neither Temporal nor the starter is.',
  },
  starter: {
    rooms: ['clerk', 'workflows', 'sign-in', 'log', ...PURE],
    wayOut:
      'the starter takes and signals, so that webhooks are taken while Postgres is down: write in an activity.',
  },
  worker: {
    rooms: ['activities', 'log', ...PURE],
    wayOut: 'the worker loads workflows by path and is handed connections by cli.',
  },
  embedded: {
    rooms: ['names', 'log'],
    wayOut: 'embedded runs servers and knows nothing of what is done with them: tell it by a parameter.',
  },
  'clerk-stand-in': {
    rooms: [],
    wayOut: 'the stand-in stands for Clerk: what it shared with us, our tests could not find wrong.',
  },
};
/** Process entry points construct things; everything else receives what it uses. */
const ENTRY_ROOM = 'cli';

/** Packages with few importers. */
const IMPORTERS: {
  packages: readonly string[];
  rooms: readonly string[];
  types?: readonly string[];
  wayOut: string;
}[] = [
  {
    packages: ['express'],
    rooms: ['starter', 'clerk-stand-in'],
    types: ['sign-in'],
    wayOut: 'HTTP ends in the starter: pass plain values on.',
  },
  {
    packages: ['@prisma/', 'pg'],
    rooms: ['db'],
    wayOut: 'add a file to src/db, one SQL verb each, and call that.',
  },
  {
    packages: ['@clerk/'],
    rooms: ['clerk', 'sign-in'],
    types: ['user-mapping'],
    wayOut: 'add what you need of Clerk to src/clerk and call that.',
  },
  {
    packages: ['@temporalio/workflow'],
    rooms: ['workflows'],
    wayOut: 'it works inside workflows only.',
  },
  {
    packages: ['@temporalio/activity'],
    rooms: ['activities'],
    wayOut: 'it works inside activities only: pass on what you need of its context.',
  },
  {
    packages: ['@temporalio/envconfig'],
    rooms: ['config'],
    wayOut: 'config is the only reader of the environment.',
  },
];

/** The room of a file: its folder in src, or its own name at the top. */
const roomOf = (file: string) =>
  file
    .replace(/^src\//, '')
    .split('/')[0]
    ?.replace(/\.ts$/, '') ?? '';

/** The file of ours that an import means, or null for a package. */
function importedFile({ file, specifier }: Import): string | null {
  if (!specifier.startsWith('.')) return null;
  return path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

const isOneOf = (specifier: string, packages: readonly string[]) =>
  packages.some(
    (name) =>
      specifier === name ||
      specifier.startsWith(name.endsWith('/') || name.endsWith(':') ? name : `${name}/`),
  );

/** What is wrong with an import: its file, the rule, and the way out. */
export function problemsWith(one: Import): string[] {
  const room = roomOf(one.file);
  const target = importedFile(one);
  const what = `${one.file} imports ${one.specifier}`;
  const problems: string[] = [];

  if (target === null) {
    for (const { packages, rooms, types = [], wayOut } of IMPORTERS) {
      const allowed = rooms.includes(room) || (one.typeOnly && types.includes(room));
      if (isOneOf(one.specifier, packages) && !allowed) {
        problems.push(`${what}, which only ${rooms.join(' and ')} may: ${wayOut}`);
      }
    }
  } else if (target.startsWith('src/db/generated/') && room !== 'db') {
    problems.push(`${what}: the Prisma client stays inside src/db; add a file there and call that.`);
  }

  if (room === ENTRY_ROOM) return problems;
  const rule = ROOMS[room];
  if (!rule) {
    return [`${one.file} is in a room without a rule: say in tests/room-rules.ts what ${room} may import.`];
  }
  if (target === null) {
    if (rule.packages && !isOneOf(one.specifier, rule.packages)) {
      problems.push(`${what}, but ${room} may import only ${rule.packages.join(', ')}: ${rule.wayOut}`);
    }
    return problems;
  }
  const targetRoom = roomOf(target);
  const allowed = [room, ...rule.rooms, ...(one.typeOnly ? (rule.types ?? []) : [])];
  if (!target.startsWith('src/')) problems.push(`${what}: src must run without what lies outside it.`);
  else if (!allowed.includes(targetRoom)) {
    problems.push(
      `${what}, but of our rooms ${room} may import only ${rule.rooms.join(', ') || 'none'}: ${rule.wayOut}`,
    );
  }
  return problems;
}

/** Rooms that import one another in a ring, types included: `a -> b -> a`. */
export function cyclesAmong(imports: readonly Import[]): string[] {
  const edges = new Map<string, Set<string>>();
  for (const one of imports) {
    const target = importedFile(one);
    if (target === null || roomOf(target) === roomOf(one.file)) continue;
    edges.set(roomOf(one.file), (edges.get(roomOf(one.file)) ?? new Set()).add(roomOf(target)));
  }
  const cycles: string[] = [];
  const walk = (room: string, way: readonly string[]): void => {
    if (way.includes(room)) {
      const ring = [...way.slice(way.indexOf(room)), room];
      cycles.push(`${ring.join(' -> ')}: move what both need into a file of its own.`);
      return;
    }
    for (const next of edges.get(room) ?? []) walk(next, [...way, room]);
  };
  for (const room of edges.keys()) walk(room, []);
  return cycles;
}

/** What is wrong with how a file uses the environment: config alone reads it, cli may hand it on whole. */
export function environmentProblems(file: string, code: string): string[] {
  if (file === 'src/config.ts') return [];
  const wayOut = 'add a setting to src/config.ts and take it as a parameter.';
  const imported = /from '(node:)?process'/.test(code);
  const used = /\bprocess\??\.env\b|\benv\b[^{}]*\} = process\b/.test(code);
  const handedOnOnly =
    roomOf(file) === ENTRY_ROOM && !/\bprocess\??\.env\b(?!\s*[,)])|\} = process\b/.test(code);
  return imported || (used && !handedOnOnly) ? [`${file} reads process.env: ${wayOut}`] : [];
}
