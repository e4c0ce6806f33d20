import { randomBytes } from 'node:crypto';
import { type EmptyDatabase, onServer } from './empty-database.js';

export interface Role {
  name: string;
  /** The database's URL as this role. */
  url: string;
}

/** @returns a role that may connect and nothing else; `dropRole` after the database. */
export async function createRole({ url }: EmptyDatabase): Promise<Role> {
  const name = `role_${randomBytes(8).toString('hex')}`;
  await onServer(`CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
  const own = new URL(url);
  own.username = name;
  own.password = 'secret';
  return { name, url: own.href };
}

export const dropRole = ({ name }: Role): Promise<unknown> => onServer(`DROP ROLE ${name}`);
