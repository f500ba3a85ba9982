// SPDX-License-Identifier: Apache-2.0
package io.freshet.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;

/** Records what Netty's leak detection reports; must be installed before the first buffer is allocated. */
public final class BufferLeaks {
    private static final List<String> REPORTS = new CopyOnWriteArrayList<>();

    private BufferLeaks() {}

    public static void install() {
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new ResourceLeakDetectorFactory() {
            @Override
            @SuppressWarnings("deprecation") // The abstract method of the factory.
            public <T> ResourceLeakDetector<T> newResourceLeakDetector(
                    Class<T> resource, int samplingInterval, long maxActive) {
                return detector(resource, samplingInterval);
            }

            @Override
            public <T> ResourceLeakDetector<T> newResourceLeakDetector(Class<T> resource, int samplingInterval) {
                return detector(resource, samplingInterval);
            }
        });
    }

    @SuppressWarnings("deprecation") // Netty's own factories call the same constructor.
    private static <T> ResourceLeakDetector<T> detector(Class<T> resource, int samplingInterval) {
        return new ResourceLeakDetector<T>(resource, samplingInterval) {
            @Override
            protected void reportTracedLeak(String type, String records) {
                REPORTS.add(type + records);
            }

            @Override
            protected void reportUntracedLeak(String type) {
                REPORTS.add(type);
            }

            @Override
            protected boolean needReport() {
                return true;
            }
        };
    }

    /** Fails if a buffer became garbage without being released. */
    public static void assertNone() {
        collectGarbage();
        assertThat(takeReports()).isEmpty();
    }

    static void collectGarbage() {
        for (int i = 0; i < 3; i++) {
            System.gc();
            Awaitility.await().pollDelay(Duration.ofMillis(20)).until(() -> true);
            // A tracked allocation makes the detector look at its reference queue.
            PooledByteBufAllocator.DEFAULT.directBuffer(16).release();
        }
    }

    /** The reports so far, which are forgotten here. */
    static List<String> takeReports() {
        List<String> reports = List.copyOf(REPORTS);
        REPORTS.clear();
        return reports;
    }
}
