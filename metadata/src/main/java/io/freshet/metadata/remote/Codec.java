// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.util.function.BiConsumer;
import java.util.function.Function;

/** How a value becomes bytes and comes back; both sides know the command's version from writer and reader. */
interface Codec<T> {
    void write(CommandWriter out, T value);

    /** Throws any RuntimeException on damage; {@link CommandCodec} makes it INVALID. */
    T read(CommandReader in);

    static <T> Codec<T> of(BiConsumer<CommandWriter, T> write, Function<CommandReader, T> read) {
        return new Codec<>() {
            @Override
            public void write(CommandWriter out, T value) {
                write.accept(out, value);
            }

            @Override
            public T read(CommandReader in) {
                return read.apply(in);
            }
        };
    }

    /** A value that says nothing. */
    static <T> Codec<T> nothing(T value) {
        return of((out, ignored) -> {}, in -> value);
    }
}
