// A request over a bare socket, so that the connection can be cut in the middle of it.
import { connect } from 'node:net';

export type Cut =
  /** Half of the body, then nothing more. */
  | { where: 'in_body' }
  /** The whole request, and gone so many ms later, the answer unread if there is one by then. */
  | { where: 'before_answer'; afterMs: number };

/** Resolves when the connection is closed, by us or by a daemon that died or doesn't listen. */
export function cutRequest(socketPath: string, of: { path: string; body: object; cut: Cut }): Promise<void> {
  const body = Buffer.from(JSON.stringify(of.body));
  const head = [
    `POST ${of.path} HTTP/1.1`,
    'host: localhost',
    'content-type: application/json',
    `content-length: ${body.length}`,
  ];
  const whole = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => resolve());
    socket.once('connect', () => {
      if (of.cut.where === 'in_body') {
        socket.write(whole.subarray(0, whole.length - Math.ceil(body.length / 2)), () => socket.destroy());
        return;
      }
      socket.write(whole);
      setTimeout(() => socket.destroy(), of.cut.afterMs);
    });
  });
}
