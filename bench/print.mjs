// What benchmarks say, and how.
import os from 'node:os';

export function printMachine() {
  const [cpu] = os.cpus();
  const gigabytes = Math.round(os.totalmem() / 2 ** 30);
  const [load] = os.loadavg();
  console.log(
    `Machine: ${os.cpus().length} cores (${cpu.model.trim()}), ${gigabytes} GB, Node ${process.version}, ${os.platform()} ${os.release()}; load at the start ${load.toFixed(2)}`,
  );
}

/** The first column is text, the others numbers. */
export function printTable(headings, rows) {
  const lines = [headings, ...rows.map((row) => row.map(String))];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const show = (line) =>
    line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ');
  const [head, ...body] = lines.map(show);
  console.log(`\n${head}\n${'-'.repeat(head.length)}\n${body.join('\n')}`);
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const wholeNumbers = (text) => text.split(',').map((part) => Number(part.replaceAll('_', '')));

const judged = (value, sign, goal, isMet) =>
  `${value.toFixed(2)} (goal ${sign} ${goal}: ${isMet ? 'met' : 'missed'})`;
export const atLeast = (goal, value) => judged(value, '>=', goal, value >= goal);
export const atMost = (goal, value) => judged(value, '<=', goal, value <= goal);
