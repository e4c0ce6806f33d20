import { ClerkError } from './clerk-error.js';

const MAX_VALUES = 100;

/** Clerk's list parameters come with or without `[]`, repeated. */
export class ListParameters {
  readonly #query: URLSearchParams;

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  first(name: string): string | undefined {
    return this.values(name)[0];
  }

  /** @throws ClerkError 422 beyond 100 values */
  values(name: string): string[] {
    const values = [...this.#query.getAll(name), ...this.#query.getAll(`${name}[]`)];
    if (values.length <= MAX_VALUES) return values;
    throw ClerkError.invalid(name, `${name} accepts up to ${MAX_VALUES} values, got ${values.length}.`);
  }

  /** Splits values by their prefix; an unencoded `+` arrives as a space. */
  signedValues(name: string): { include: string[]; exclude: string[] } {
    const values = this.values(name);
    const exclude = values.filter((value) => value.startsWith('-')).map((value) => value.slice(1));
    const include = values
      .filter((value) => !value.startsWith('-'))
      .map((value) => value.replace(/^[+ ]/, ''));
    return { include, exclude };
  }

  /** @throws ClerkError 422 unless it is a whole number */
  integer(name: string): number | undefined {
    const text = this.first(name);
    if (text === undefined || text === '') return undefined;
    if (/^-?\d{1,15}$/.test(text)) return Number(text);
    throw ClerkError.invalid(name, `${name} must be an integer.`);
  }

  /** @throws ClerkError 422 unless it is `true` or `false` */
  boolean(name: string): boolean | undefined {
    const text = this.first(name);
    if (text === undefined || text === '') return undefined;
    if (text === 'true' || text === 'false') return text === 'true';
    throw ClerkError.invalid(name, `${name} must be true or false.`);
  }
}
