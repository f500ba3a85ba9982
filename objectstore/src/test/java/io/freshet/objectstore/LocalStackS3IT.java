// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.localstack.LocalStackContainer;
import org.testcontainers.utility.DockerImageName;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/** The S3 store against LocalStack in a container; skipped, with the reason, where there is no Docker engine. */
class LocalStackS3IT extends ObjectStoreContract {
    private static final String BUCKET = "freshet";
    private static final String NO_DOCKER =
            "no Docker engine: LocalStack cannot run here; start Docker to run this suite";

    private static LocalStackContainer localStack;

    private final StoreFixture fixture = new StoreFixture();
    private ObjectStore store;

    @BeforeAll
    static void startLocalStack() throws Exception {
        boolean hasDocker = DockerClientFactory.instance().isDockerAvailable();
        if (!hasDocker) {
            LoggerFactory.getLogger(LocalStackS3IT.class).warn(NO_DOCKER);
        }
        Assumptions.assumeTrue(hasDocker, NO_DOCKER);
        localStack = new LocalStackContainer(DockerImageName.parse("localstack/localstack:4.9"))
                .withServices(LocalStackContainer.Service.S3);
        localStack.start();
        StaticCredentialsProvider credentials = StaticCredentialsProvider.create(
                AwsBasicCredentials.create(localStack.getAccessKey(), localStack.getSecretKey()));
        try (S3AsyncClient admin = S3AsyncClient.builder()
                .endpointOverride(localStack.getEndpoint())
                .region(Region.of(localStack.getRegion()))
                .credentialsProvider(credentials)
                .forcePathStyle(true)
                .build()) {
            admin.createBucket(b -> b.bucket(BUCKET)).get(60, TimeUnit.SECONDS);
        }
    }

    @AfterAll
    static void stopLocalStack() {
        if (localStack != null) {
            localStack.stop();
        }
    }

    @BeforeEach
    void open() {
        String uri = "s3://" + BUCKET + "?endpoint=" + localStack.getEndpoint() + "&region=" + localStack.getRegion()
                + "&pathStyle=true";
        store = fixture.over(fixture.s3(uri, localStack.getAccessKey(), localStack.getSecretKey()), StoreFixture.FAST);
    }

    @AfterEach
    void close() {
        if (store != null) {
            store.close();
        }
        fixture.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }
}
