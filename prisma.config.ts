import { defineConfig } from 'prisma/config';

// `prisma generate` looks for the schema engine's binary before anything else, though it never runs it. Any
// existing file satisfies that look-up, so generating needs no download. Every other verb needs the real engine.
if (process.argv.includes('generate')) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
