import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** An X.509 certificate and its private key, both as PEM. */
export interface Certificate {
  certificate: string;
  key: string;
  /** Signs others with it. */
  issuer: Issuer;
}

interface Issuer {
  name: string;
  key: KeyObject;
}

export interface CertificateOptions {
  name: string;
  /** Host names and IPv4 addresses that it is for. */
  hosts?: readonly string[];
  isAuthority?: boolean;
  /** Default: itself. */
  issuer?: Issuer | undefined;
  /** Default: valid today. */
  validUntil?: Date;
}

const DAY_MS = 86_400_000;

/** Makes a certificate with an elliptic key, without a tool that a machine may lack. @see https://www.rfc-editor.org/rfc/rfc5280 */
export function makeCertificate(options: CertificateOptions): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own: Issuer = { name: options.name, key: privateKey };
  const issuer = options.issuer ?? own;
  const until = options.validUntil ?? new Date(Date.now() + 30 * DAY_MS);
  const signatureKind = sequence(oid(ECDSA_WITH_SHA256));
  const content = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    signatureKind,
    distinguishedName(issuer.name),
    sequence(time(new Date(until.getTime() - 60 * DAY_MS)), time(until)),
    distinguishedName(options.name),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...extensions(options))),
  );
  const signature = sign('sha256', content, issuer.key);
  const certificate = sequence(content, signatureKind, der(0x03, Buffer.from([0]), signature));
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64Lines(certificate)}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    issuer: own,
  };
}

const ECDSA_WITH_SHA256 = '2a8648ce3d040302';
const COMMON_NAME = '550403';
const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_ALTERNATIVE_NAME = '551d11';

function extensions({ isAuthority = false, hosts = [] }: CertificateOptions): Buffer[] {
  const names = hosts.map((host) =>
    isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
  );
  return [
    ...(isAuthority ? [sequence(oid(BASIC_CONSTRAINTS), TRUE, der(0x04, sequence(TRUE)))] : []),
    ...(names.length > 0 ? [sequence(oid(SUBJECT_ALTERNATIVE_NAME), der(0x04, sequence(...names)))] : []),
  ];
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const bytes = content.length.toString(16);
  const long = Buffer.from(bytes.length % 2 === 0 ? bytes : `0${bytes}`, 'hex');
  const length =
    content.length < 128 ? Buffer.from([content.length]) : Buffer.from([0x80 | long.length, ...long]);
  return Buffer.concat([Buffer.from([tag]), length, content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const integer = (value: Buffer): Buffer => der(0x02, value);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const TRUE = der(0x01, Buffer.from([0xff]));
const distinguishedName = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(name)))));
/** `YYMMDDhhmmssZ` */
const time = (at: Date): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${at
        .toISOString()
        .replace(/[-:T]|\..*/g, '')
        .slice(2)}Z`,
    ),
  );
const base64Lines = (bytes: Buffer): string => (bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
