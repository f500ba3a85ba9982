// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.ClusterController;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Predicate;

/**
 * One kind of command: its number and version on the wire, its encodings, and the method that runs it.
 *
 * @param id never used for another command again
 * @param name the method's name, for messages
 * @param version the newest that is known here; a new one may be given a different body
 * @param run on the leading node
 * @param isRepeatable whether it may be sent again after an answer was lost: doing it twice is as doing it once, or wastes
 *     a few ids
 * @param isLogged whether its effect lies in the log, so that the caller's node must have applied it before it completes
 * @param withinMs how long it is retried at most; 0 means as long as the routing's limits say
 * @param isUrgent whether other voters are asked for the leader as soon as the one that is known here is late ({@link LeaderScout})
 * @param <Q> what is asked
 * @param <A> what is answered
 */
record CommandType<Q, A>(
        short id,
        String name,
        short version,
        Codec<Q> question,
        Codec<A> answer,
        BiFunction<ClusterController, Q, CompletableFuture<A>> run,
        Predicate<Q> isRepeatable,
        boolean isLogged,
        long withinMs,
        boolean isUrgent) {

    /** A logged command that is never repeated, at version 0. */
    static <Q, A> CommandType<Q, A> of(
            int id,
            String name,
            Codec<Q> question,
            Codec<A> answer,
            BiFunction<ClusterController, Q, CompletableFuture<A>> run) {
        return new CommandType<>((short) id, name, (short) 0, question, answer, run, asked -> false, true, 0, false);
    }

    /** The same without an answer but that it is done. */
    static <Q> CommandType<Q, Done> doing(
            int id, String name, Codec<Q> question, BiFunction<ClusterController, Q, CompletableFuture<Void>> run) {
        return of(
                id,
                name,
                question,
                Codec.nothing(Done.DONE),
                (controller, asked) -> run.apply(controller, asked).thenApply(nothing -> Done.DONE));
    }

    CommandType<Q, A> repeatable() {
        return repeatableIf(asked -> true);
    }

    CommandType<Q, A> repeatableIf(Predicate<Q> condition) {
        return new CommandType<>(id, name, version, question, answer, run, condition, isLogged, withinMs, isUrgent);
    }

    /** Its effect is in the active controller's memory only: nothing to wait for. */
    CommandType<Q, A> notLogged() {
        return new CommandType<>(id, name, version, question, answer, run, isRepeatable, false, withinMs, isUrgent);
    }

    /** Worth nothing when it is late. */
    CommandType<Q, A> within(long ms) {
        return new CommandType<>(id, name, version, question, answer, run, isRepeatable, isLogged, ms, isUrgent);
    }

    /** Worth little when it is late, and harmless when it is done twice: must be repeatable, and not logged. */
    CommandType<Q, A> urgent() {
        return new CommandType<>(id, name, version, question, answer, run, isRepeatable, isLogged, withinMs, true);
    }

    CommandType<Q, A> atVersion(int newest) {
        return new CommandType<>(
                id, name, (short) newest, question, answer, run, isRepeatable, isLogged, withinMs, isUrgent);
    }

    /** The answer of a command that has none. */
    enum Done {
        DONE
    }
}
