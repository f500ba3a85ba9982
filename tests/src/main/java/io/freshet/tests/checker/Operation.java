// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.checker;

import java.util.List;
import java.util.Locale;

/**
 * One line of a history: a client begins or ends something. A process does one thing after the other.
 *
 * @param index position in the history, from 0
 * @param timeNanos since the history's begin
 * @param process number of the client; one that crashed never comes again
 * @param steps records in the client's own order; those of an invocation are what it is about to send
 * @param keys of an assignment or subscription, what was asked for; of a poll, the keys whose positions were set anew before it
 * @param error why it did not end well; empty if it did
 */
public record Operation(
        long index,
        long timeNanos,
        int process,
        Type type,
        Function function,
        List<Step> steps,
        List<String> keys,
        String error) {

    /** How far an operation is. */
    public enum Type {
        /** It begins. */
        INVOKE,
        /** It was done. */
        OK,
        /** It was certainly not done; a step with an offset was. */
        FAIL,
        /** Nobody knows whether it was done; a step with an offset was. */
        INFO
    }

    /** What a client does. */
    public enum Function {
        SEND,
        POLL,
        /** Sends and polls in one transaction: all of its sends are done, or none. */
        TXN,
        /** Chooses keys; positions of those that it had before stay. */
        ASSIGN,
        SUBSCRIBE,
        /** The client ends without a word. */
        CRASH
    }

    public Operation {
        steps = List.copyOf(steps);
        keys = List.copyOf(keys);
    }

    /** The words of the JSON form. */
    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
