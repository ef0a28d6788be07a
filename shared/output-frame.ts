// One chunk of output on the watch WebSocket: a byte for the stream (1 stdout, 2 stderr), eight bytes big-endian
// for the offset of the first data byte in that stream's log, then the data.

export type StreamName = 'stdout' | 'stderr';

export interface OutputChunk {
  stream: StreamName;
  offset: number;
  data: Buffer;
}

/** Free bytes that `frameAround` needs before the data. */
export const HEADER_BYTES = 9;

export function encodeOutput({ stream, offset, data }: OutputChunk): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  data.copy(frame, HEADER_BYTES);
  return frameAround({ stream, offset, data: frame.subarray(HEADER_BYTES) });
}

/** The frame of data that has HEADER_BYTES free before it in its memory, which are written to: nothing is copied. */
export function frameAround({ stream, offset, data }: OutputChunk): Buffer {
  const frame = Buffer.from(data.buffer, data.byteOffset - HEADER_BYTES, HEADER_BYTES + data.length);
  frame[0] = stream === 'stdout' ? 1 : 2;
  frame.writeBigUInt64BE(BigInt(offset), 1);
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
