// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.objectstore.driver.Body;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;

class BodyPublisherTest {
    /** Asks for everything; remembers its subscription, as the HTTP client's idle connections do. */
    private static final class Asking implements Subscriber<ByteBuffer> {
        private final List<String> events = new ArrayList<>();
        private @Nullable Subscription subscription;
        private long receivedBytes;

        @Override
        public void onSubscribe(Subscription given) {
            subscription = given;
            given.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ByteBuffer view) {
            receivedBytes += view.remaining();
        }

        @Override
        public void onError(Throwable error) {
            events.add(error.getMessage());
        }

        @Override
        public void onComplete() {
            events.add("complete");
        }
    }

    private record Made(BodyPublisher publisher, WeakReference<byte[]> bytes) {}

    private static Made make() {
        byte[] bytes = new byte[1_000_000];
        return new Made(new BodyPublisher(Body.of(List.of(ByteBuffer.wrap(bytes)))), new WeakReference<>(bytes));
    }

    @Test
    void whatWasSentIsLetGo() {
        Made made = make();
        BodyPublisher publisher = made.publisher;
        Asking first = new Asking();
        publisher.subscribe(first);
        assertThat(first.receivedBytes).isEqualTo(1_000_000);
        assertThat(first.events).containsExactly("complete");
        System.gc();
        assertThat(made.bytes.get()).isNull();
        Reference.reachabilityFence(first.subscription);
        Asking second = new Asking();
        publisher.subscribe(second);
        assertThat(second.receivedBytes).isZero();
        assertThat(second.events).containsExactly("This body of 1000000 bytes was sent already");
        assertThat(publisher.contentLength()).contains(1_000_000L);
    }
}
