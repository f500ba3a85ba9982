// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Frames of commands and answers. Big-endian; byte table and numbers in docs/formats.md. The decoder is total: damage of any
 * kind is a FreshetException INVALID that names what is wrong, never another exception.
 */
final class CommandCodec {
    static final int COMMAND_MAGIC = 0x46524351; // FRCQ
    static final int ANSWER_MAGIC = 0x46524341; // FRCA
    static final int FORMAT_VERSION = 1;
    static final int HEADER_BYTES = 20;
    private static final int LENGTH_AT = 12;
    static final int CRC_AT = 16;

    private CommandCodec() {}

    /**
     * A command's frame.
     *
     * @param clusterId of the cluster that it is meant for
     */
    static <Q> ByteBuffer encode(CommandType<Q, ?> type, short version, String clusterId, Q question) {
        CommandWriter out = open(COMMAND_MAGIC, type.id(), version);
        out.writeString(clusterId);
        type.question().write(out, question);
        return seal(out);
    }

    /** An answer's frame. */
    static ByteBuffer encode(Answer answer) {
        CommandWriter out = open(ANSWER_MAGIC, answer.status(), (short) 0);
        answer.write(out);
        return seal(out);
    }

    /** The frame of the answer to a command that was done: the log offset to wait for, then the result. */
    static <A> ByteBuffer encodeDone(CommandType<?, A> type, short version, long offset, A result) {
        CommandWriter out = open(ANSWER_MAGIC, Answer.DONE, version);
        out.writeLong(offset);
        type.answer().write(out, result);
        return seal(out);
    }

    /** The head of a command; its body is still to be read by {@link #question}. */
    static Received command(ByteBuffer frame) {
        Opened opened = opened("a metadata command", COMMAND_MAGIC, frame);
        CommandReader body = new CommandReader("metadata command " + opened.number, opened.version, opened.body);
        return new Received(opened.number, opened.version, body.readString(), body);
    }

    static <Q> Q question(CommandType<Q, ?> type, Received received) {
        return whole("metadata command " + type.name(), type.question(), received.body);
    }

    /** The answer to a command of {@code type}, its result still in bytes if it was done. */
    static Answer answer(String name, ByteBuffer frame) {
        Opened opened = opened("the answer to " + name, ANSWER_MAGIC, frame);
        CommandReader body = new CommandReader("the answer to " + name, opened.version, opened.body);
        return Answer.read(opened.number, body);
    }

    static <A> A result(CommandType<?, A> type, Answer.Done done) {
        return whole("the answer to " + type.name(), type.answer(), done.result());
    }

    /**
     * A command as it came.
     *
     * @param body behind the cluster's id
     */
    record Received(short typeId, short version, String clusterId, CommandReader body) {}

    private record Opened(short number, short version, ByteBuffer body) {}

    private static CommandWriter open(int magic, short number, short version) {
        CommandWriter out = new CommandWriter(version);
        out.writeInt(magic);
        out.writeShort(FORMAT_VERSION);
        out.writeShort(number);
        out.writeShort(version);
        out.writeShort(0);
        out.writeInt(0);
        out.writeInt(0);
        return out;
    }

    private static ByteBuffer seal(CommandWriter out) {
        out.patchInt(LENGTH_AT, out.position() - HEADER_BYTES);
        out.patchInt(CRC_AT, crcOf(out.written()));
        return out.written();
    }

    /** Over everything but the field itself. */
    static int crcOf(ByteBuffer frame) {
        CRC32C crc = new CRC32C();
        crc.update(frame.slice(frame.position(), CRC_AT));
        crc.update(frame.slice(frame.position() + HEADER_BYTES, frame.remaining() - HEADER_BYTES));
        return (int) crc.getValue();
    }

    private static Opened opened(String what, int magic, ByteBuffer frame) {
        ByteBuffer bytes = frame.slice();
        if (bytes.remaining() < HEADER_BYTES) {
            throw invalid(what + " has only " + bytes.remaining() + " bytes");
        }
        if (bytes.getInt(0) != magic) {
            throw invalid(what + " begins with 0x" + Integer.toHexString(bytes.getInt(0)) + " instead of 0x"
                    + Integer.toHexString(magic));
        }
        if (bytes.getShort(4) != FORMAT_VERSION) {
            throw invalid(what + " has format version " + bytes.getShort(4) + ", this node knows " + FORMAT_VERSION
                    + "; upgrade the older of the two nodes");
        }
        if (bytes.getInt(LENGTH_AT) != bytes.remaining() - HEADER_BYTES) {
            throw invalid(what + " announces a body of " + bytes.getInt(LENGTH_AT) + " bytes and has "
                    + (bytes.remaining() - HEADER_BYTES));
        }
        if (bytes.getInt(CRC_AT) != crcOf(bytes)) {
            throw invalid(what + " does not match its checksum");
        }
        ByteBuffer body = bytes.slice(HEADER_BYTES, bytes.remaining() - HEADER_BYTES);
        return new Opened(bytes.getShort(6), bytes.getShort(8), body);
    }

    private static <T> T whole(String what, Codec<T> codec, CommandReader body) {
        try {
            T value = codec.read(body);
            body.requireEnd();
            return value;
        } catch (FreshetException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new FreshetException(ErrorKind.INVALID, "The encoding of " + what + " is damaged: " + e, e);
        }
    }

    private static FreshetException invalid(String message) {
        return new FreshetException(ErrorKind.INVALID, "Not readable: " + message);
    }
}
