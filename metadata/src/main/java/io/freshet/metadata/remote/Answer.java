// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** What a node says to a command that was sent to it. */
sealed interface Answer {
    short DONE = 0;
    short FAILED = 1;
    short REFUSED = 2;
    short NOT_LEADING = 3;
    short UNKNOWN_COMMAND = 4;

    /** Its number on the wire. */
    short status();

    void write(CommandWriter out);

    static Answer read(short status, CommandReader in) {
        Answer answer = switch (status) {
            case DONE -> new Done(in.readLong(), in);
            case FAILED -> new Failed(kind(in.readByte()), in.readString());
            case REFUSED -> new Refused(in.readShort(), in.readNullableString());
            case NOT_LEADING -> NotLeading.read(in);
            case UNKNOWN_COMMAND -> new UnknownCommand(in.readShort(), in.readString());
            default -> throw in.damaged("has the unknown status " + status);
        };
        if (!(answer instanceof Done)) {
            in.requireEnd();
        }
        return answer;
    }

    /** How {@code error} is answered. */
    static Answer of(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        if (cause instanceof ApiException refused) {
            return new Refused(Errors.forException(refused).code(), refused.getMessage());
        }
        FreshetException failed = FreshetException.of(cause);
        return new Failed(failed.kind(), String.valueOf(failed.getMessage()));
    }

    /**
     * It was done.
     *
     * @param offset everything that it wrote lies at or below this offset of the log
     * @param result still encoded
     */
    record Done(long offset, CommandReader result) implements Answer {
        @Override
        public short status() {
            return DONE;
        }

        @Override
        public void write(CommandWriter out) {
            throw new IllegalStateException("Only the command's type can write its result");
        }
    }

    /** It failed as it would have locally. */
    record Failed(ErrorKind kind, String message) implements Answer {
        @Override
        public short status() {
            return FAILED;
        }

        @Override
        public void write(CommandWriter out) {
            out.writeByte(number(kind));
            out.writeString(message);
        }

        FreshetException exception() {
            return new FreshetException(kind, message);
        }
    }

    /** It was refused with one of Kafka's codes. */
    record Refused(short code, @Nullable String message) implements Answer {
        @Override
        public short status() {
            return REFUSED;
        }

        @Override
        public void write(CommandWriter out) {
            out.writeShort(code);
            out.writeString(message);
        }

        ApiException exception() {
            Errors error = Errors.forCode(code);
            return (error == Errors.NONE ? Errors.UNKNOWN_SERVER_ERROR : error).exception(message);
        }
    }

    /**
     * The node does not lead; nothing was done.
     *
     * @param epoch the newest quorum epoch that it knows
     * @param leader who leads in that epoch, if it knows id and address
     */
    record NotLeading(int epoch, Optional<Node> leader) implements Answer {
        @Override
        public short status() {
            return NOT_LEADING;
        }

        @Override
        public void write(CommandWriter out) {
            out.writeInt(epoch);
            out.writeInt(leader.map(Node::id).orElse(-1));
            out.writeString(leader.map(Node::host).orElse(null));
            out.writeInt(leader.map(Node::port).orElse(-1));
        }

        private static NotLeading read(CommandReader in) {
            int epoch = in.readInt();
            int id = in.readInt();
            String host = in.readNullableString();
            int port = in.readInt();
            return new NotLeading(
                    epoch, id < 0 || host == null ? Optional.empty() : Optional.of(new Node(id, host, port)));
        }

        OptionalInt leaderId() {
            return leader.map(node -> OptionalInt.of(node.id())).orElse(OptionalInt.empty());
        }
    }

    /**
     * The node runs a version that does not know the command, or not at this version; nothing was done.
     *
     * @param newestVersion the newest version of this command that it knows; −1 if it knows none
     */
    record UnknownCommand(short newestVersion, String message) implements Answer {
        @Override
        public short status() {
            return UNKNOWN_COMMAND;
        }

        @Override
        public void write(CommandWriter out) {
            out.writeShort(newestVersion);
            out.writeString(message);
        }
    }

    private static int number(ErrorKind kind) {
        return switch (kind) {
            case UNAVAILABLE -> 1;
            case THROTTLED -> 2;
            case FENCED -> 3;
            case INDETERMINATE -> 4;
            case MISSING -> 5;
            case INVALID -> 6;
            case DENIED -> 7;
            case CORRUPT -> 8;
            case INTERNAL -> 9;
        };
    }

    /** A kind that only a newer version has is a failure that cannot be interpreted. */
    private static ErrorKind kind(byte number) {
        for (ErrorKind kind : ErrorKind.values()) {
            if (number(kind) == number) {
                return kind;
            }
        }
        return ErrorKind.INTERNAL;
    }
}
