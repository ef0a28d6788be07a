// One chunk of output on the watch WebSocket: a byte for the stream (1 stdout, 2 stderr), eight bytes big-endian
// for the offset of the first data byte in that stream's log, then the data.

export type StreamName = 'stdout' | 'stderr';

export interface OutputChunk {
  stream: StreamName;
  offset: number;
  data: Buffer;
}

const HEADER_BYTES = 9;

export function encodeOutput({ stream, offset, data }: OutputChunk): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  frame[0] = stream === 'stdout' ? 1 : 2;
  frame.writeBigUInt64BE(BigInt(offset), 1);
  data.copy(frame, HEADER_BYTES);
  return frame;
}

/** The chunk in a frame; its data shares the frame's memory. Throws a RangeError on a frame that is none. */
export function decodeOutput(frame: Buffer): OutputChunk {
  const kind = frame[0];
  if (frame.length < HEADER_BYTES || (kind !== 1 && kind !== 2)) throw new RangeError('not an output frame');
  return {
    stream: kind === 1 ? 'stdout' : 'stderr',
    offset: Number(frame.readBigUInt64BE(1)),
    data: frame.subarray(HEADER_BYTES),
  };
}
