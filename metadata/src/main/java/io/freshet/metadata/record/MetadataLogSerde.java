// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.record;

import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.metadata.MetadataRecordSerde;

/** Kafka's metadata records and ours in one frame. Stateless. */
public final class MetadataLogSerde extends MetadataRecordSerde {
    @Override
    public ApiMessage apiMessageFor(short apiKey) {
        return apiKey >= OwnRecord.FIRST_API_KEY ? OwnRecord.forApiKey(apiKey) : super.apiMessageFor(apiKey);
    }
}
