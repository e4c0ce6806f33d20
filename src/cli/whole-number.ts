import { InvalidArgumentError } from 'commander';

/** For commander: a whole number, or an error that names the option. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}
