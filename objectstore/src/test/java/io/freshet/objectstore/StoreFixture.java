// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import io.freshet.common.runtime.Clock;
import io.freshet.common.runtime.Randomness;
import io.freshet.common.runtime.Threads;
import io.freshet.objectstore.driver.StoreDriver;
import io.freshet.objectstore.metrics.RequestMeter;
import io.freshet.objectstore.retry.Retries;
import io.freshet.objectstore.retry.RetryPolicy;
import io.freshet.objectstore.s3.S3Driver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;

/** What a store needs from its surroundings, for tests. Closing it ends the scheduler. */
public final class StoreFixture implements AutoCloseable {
    public static final RetryPolicy FAST = new RetryPolicy(12, 1, 4);

    public final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    public final Threads.SchedulerThread scheduler = Threads.scheduler("test-scheduler");
    public final Randomness randomness = Randomness.secure();

    public ObjectStore open(String uri) {
        return ObjectStores.open(uri, meters, Clock.system(), scheduler, randomness);
    }

    public ObjectStore over(StoreDriver driver, RetryPolicy policy) {
        return ObjectStores.over(driver, policy, meters, Clock.system(), scheduler, randomness);
    }

    /** An S3 driver with credentials of its own. */
    public StoreDriver s3(String uri, String accessKey, String secretKey) {
        RequestMeter meter = new RequestMeter(meters, Clock.system());
        return S3Driver.open(
                ObjectStores.s3Settings(StoreUri.parse(uri)),
                StaticCredentialsProvider.create(AwsBasicCredentials.create(accessKey, secretKey)),
                new Retries(FAST, scheduler, randomness, meter),
                meter);
    }

    public double count(String name, String... tags) {
        return meters.find(name).tags(tags).counters().stream()
                .mapToDouble(c -> c.count())
                .sum();
    }

    @Override
    public void close() {
        scheduler.close();
    }
}
