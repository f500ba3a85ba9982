// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

class MemoryStoreTest extends ObjectStoreContract {
    private final StoreFixture fixture = new StoreFixture();
    private ObjectStore store;

    @BeforeEach
    void open() {
        store = fixture.open("memory:test");
    }

    @AfterEach
    void close() {
        store.close();
        fixture.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }
}
