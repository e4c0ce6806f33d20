import { open } from 'node:fs/promises';

const TAIL_BYTES = 4_000;
const TAIL_LINES = 25;

/** @returns the last lines that were logged after byte `from`, indented; a sentence when there are none. */
export async function readLogTail(logFile: string, from = 0): Promise<string> {
  const file = await open(logFile, 'r').catch(() => undefined);
  if (!file) return '  (the log is gone)';
  try {
    const { size } = await file.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(TAIL_BYTES), position: start });
    const lines = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-TAIL_LINES);
    return lines.join('') === '' ? '  (nothing was logged)' : lines.map((line) => `  ${line}`).join('\n');
  } finally {
    await file.close();
  }
}
