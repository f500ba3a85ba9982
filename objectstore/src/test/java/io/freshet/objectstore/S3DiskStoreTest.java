// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.objectstore.testing.S3Server;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The S3 store against a real server in this JVM that keeps its objects on disk and can be restarted. */
class S3DiskStoreTest extends ObjectStoreContract {
    private final StoreFixture fixture = new StoreFixture();

    @TempDir
    Path directory;

    private S3Server server;
    private ObjectStore store;

    @BeforeEach
    void open() throws Exception {
        S3Server.offerCredentials();
        server = S3Server.start(directory);
        server.createBucket("freshet");
        store = fixture.open(server.storeUri("freshet"));
    }

    @AfterEach
    void close() throws Exception {
        store.close();
        server.close();
        fixture.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void objectsOutliveTheServer() throws Exception {
        get(store.putIfAbsent("kept/a", text("kept")));
        store.close();
        server.close();
        server = S3Server.start(directory);
        store = fixture.open(server.storeUri("freshet"));
        assertThat(readText("kept/a", 4)).isEqualTo("kept");
        assertThat(get(store.putIfAbsent("kept/a", text("lost")))).isEqualTo(ObjectStore.PutOutcome.ALREADY_EXISTS);
    }
}
