import { ClerkError } from './clerk-error.js';
import type { JsonObject } from './user-record.js';

const MAX_BYTES = 8192;

/** Clerk merges metadata deeply; a key set to null is removed, at any level. */
export function mergeMetadata(current: JsonObject, change: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...current };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = mergeMetadata(isObject(merged[key]) ? merged[key] : {}, value);
    else merged[key] = value;
  }
  return merged;
}

/**
 * A private copy, so that a caller's later mutation does not reach the store.
 * @throws ClerkError 422 beyond 8 KB
 */
export function storedMetadata(param_name: string, metadata: JsonObject): JsonObject {
  const text = JSON.stringify(metadata);
  if (Buffer.byteLength(text) <= MAX_BYTES) return JSON.parse(text);
  throw ClerkError.invalid(
    param_name,
    `${param_name} must be at most 8 KB.`,
    'form_param_exceeds_allowed_size',
  );
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
