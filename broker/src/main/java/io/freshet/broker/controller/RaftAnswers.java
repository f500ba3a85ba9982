// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.controller;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.message.AddRaftVoterResponseData;
import org.apache.kafka.common.message.BeginQuorumEpochResponseData;
import org.apache.kafka.common.message.DescribeQuorumResponseData;
import org.apache.kafka.common.message.EndQuorumEpochResponseData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.FetchSnapshotResponseData;
import org.apache.kafka.common.message.RemoveRaftVoterResponseData;
import org.apache.kafka.common.message.UpdateRaftVoterResponseData;
import org.apache.kafka.common.message.VoteResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.UnalignedFileRecords;
import org.apache.kafka.common.record.internal.UnalignedMemoryRecords;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.AddRaftVoterResponse;
import org.apache.kafka.common.requests.BeginQuorumEpochResponse;
import org.apache.kafka.common.requests.DescribeQuorumResponse;
import org.apache.kafka.common.requests.EndQuorumEpochResponse;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.requests.FetchSnapshotResponse;
import org.apache.kafka.common.requests.RemoveRaftVoterResponse;
import org.apache.kafka.common.requests.UpdateRaftVoterResponse;
import org.apache.kafka.common.requests.VoteResponse;

/**
 * The Raft engine's answers as responses. Slices of its files are read at once, on the calling thread (Raft's own): later
 * the files may be gone. They come from the page cache, at most 8 MiB an answer.
 */
final class RaftAnswers {
    private RaftAnswers() {}

    /** {@code answer} as the response of its API, without a file in it. */
    static AbstractResponse inMemory(ApiMessage answer) {
        ApiKeys api = ApiKeys.forId(answer.apiKey());
        return switch (api) {
            case VOTE -> new VoteResponse((VoteResponseData) answer);
            case BEGIN_QUORUM_EPOCH -> new BeginQuorumEpochResponse((BeginQuorumEpochResponseData) answer);
            case END_QUORUM_EPOCH -> new EndQuorumEpochResponse((EndQuorumEpochResponseData) answer);
            case FETCH -> fetched((FetchResponseData) answer);
            case FETCH_SNAPSHOT -> snapshot((FetchSnapshotResponseData) answer);
            case UPDATE_RAFT_VOTER -> new UpdateRaftVoterResponse((UpdateRaftVoterResponseData) answer);
            case ADD_RAFT_VOTER -> new AddRaftVoterResponse((AddRaftVoterResponseData) answer);
            case REMOVE_RAFT_VOTER -> new RemoveRaftVoterResponse((RemoveRaftVoterResponseData) answer);
            case DESCRIBE_QUORUM -> new DescribeQuorumResponse((DescribeQuorumResponseData) answer);
            default -> throw new IllegalArgumentException("The Raft engine gave an answer of " + api);
        };
    }

    private static FetchResponse fetched(FetchResponseData answer) {
        answer.responses()
                .forEach(topic ->
                        topic.partitions().forEach(partition -> partition.setRecords(fromFile(partition.records()))));
        return FetchResponse.of(answer);
    }

    private static FetchSnapshotResponse snapshot(FetchSnapshotResponseData answer) {
        answer.topics()
                .forEach(topic -> topic.partitions()
                        .forEach(partition -> partition.setUnalignedRecords(fromFile(partition.unalignedRecords()))));
        return new FetchSnapshotResponse(answer);
    }

    private static BaseRecords fromFile(BaseRecords records) {
        try {
            if (records instanceof FileRecords file) {
                ByteBuffer bytes = ByteBuffer.allocate(file.sizeInBytes());
                file.readInto(bytes, 0);
                return MemoryRecords.readableRecords(bytes);
            }
            if (records instanceof UnalignedFileRecords file) {
                FileBytes bytes = new FileBytes(file.sizeInBytes());
                int written = 0;
                while (written < file.sizeInBytes()) {
                    written += file.writeTo(bytes, written, file.sizeInBytes() - written);
                }
                return new UnalignedMemoryRecords(bytes.taken());
            }
            return records;
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read the metadata log for a peer: " + e.getMessage(), e);
        }
    }
}
