import { isIP, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

/** Asks a Postgres server whether it speaks TLS; it answers with one byte, `S` or `N`. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * A connection to Postgres that is encrypted where the server offers it, and else is not: `sslmode=prefer`. The driver
 * has no such mode; for it, this is a plain socket.
 *
 * @remarks `connect` is emitted once it is settled which of the two it is. Like libpq, it connects anew without TLS where
 *   the server's TLS does not work. Unlike libpq, it does not when the server refuses an encrypted session later on.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
 */
export class TlsIfOffered extends Duplex {
  readonly #options: ConnectionOptions;
  #socket = new Socket();
  /** What the session goes through; undefined until that is settled. */
  #inner: Duplex | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
  }

  connect(port: number, host: string): this {
    const socket = this.#open(port, host);
    socket.once('connect', () => socket.write(SSL_REQUEST));
    socket.once('data', (answer) => {
      if (answer.toString('latin1') === 'S') this.#encrypt(socket, port, host);
      else if (answer.toString('latin1') === 'N') this.#settle(socket);
      else this.#withoutTls(port, host);
    });
    return this;
  }

  setNoDelay(on?: boolean): this {
    this.#socket.setNoDelay(on);
    return this;
  }

  setKeepAlive(on?: boolean, initialDelayMs?: number): this {
    this.#socket.setKeepAlive(on, initialDelayMs);
    return this;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }

  override _read(): void {
    this.#inner?.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inner?.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#inner) this.#inner.end(done);
    else done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy();
    this.#socket.destroy();
    done(error);
  }

  #open(port: number, host: string): Socket {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on('error', this.#fail);
    // Before anything is settled, an end without an error would otherwise be waited out.
    socket.once('close', this.#end);
    return socket.connect(port, host);
  }

  #encrypt(socket: Socket, port: number, host: string): void {
    this.#forget(socket);
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const secure = connectTls({ ...this.#options, ...servername, host, socket });
    const without = () => {
      socket.destroy();
      this.#withoutTls(port, host);
    };
    secure.once('error', without).once('secureConnect', () => {
      secure.off('error', without).on('error', this.#fail).once('close', this.#end);
      this.#settle(secure);
    });
  }

  #withoutTls(port: number, host: string): void {
    this.#forget(this.#socket);
    this.#socket.destroy();
    this.#socket = new Socket();
    const socket = this.#open(port, host);
    socket.once('connect', () => this.#settle(socket));
  }

  #settle(inner: Duplex): void {
    this.#inner = inner;
    inner.on('data', (chunk) => {
      if (!this.push(chunk)) inner.pause();
    });
    inner.once('end', () => this.push(null));
    this.emit('connect');
  }

  #forget(socket: Socket): void {
    socket.off('error', this.#fail).off('close', this.#end);
    socket.on('error', () => undefined);
  }

  readonly #fail = (error: Error): void => {
    this.destroy(error);
  };

  readonly #end = (): void => {
    this.destroy();
  };
}
