#!/usr/bin/env node
// The published package has only dist/; a checkout builds it first.
import { existsSync } from 'node:fs';

const prepareScript = new URL('../scripts/prepare.mjs', import.meta.url);
if (existsSync(prepareScript)) await (await import(prepareScript.href)).prepare();
process.setSourceMapsEnabled(true);
await import(new URL('../dist/cli/main.js', import.meta.url).href);
