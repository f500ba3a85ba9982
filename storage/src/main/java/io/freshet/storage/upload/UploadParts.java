// SPDX-License-Identifier: Apache-2.0
package io.freshet.storage.upload;

import io.freshet.storage.StorageConfig;
import io.freshet.storage.StorageParts;
import io.freshet.storage.tail.StreamTails;
import io.freshet.storage.tail.TailMemory;
import io.freshet.storage.tail.WalLanes;

/** What uploads work with. */
public record UploadParts(
        StorageConfig config, StorageParts storage, StreamTails tails, TailMemory memory, WalLanes lanes) {}
