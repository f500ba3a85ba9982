// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.producerid;

import io.freshet.broker.api.Replies;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.protocol.KafkaRequest;
import io.freshet.protocol.RequestHandler;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.CoordinatorLoadInProgressException;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.InitProducerIdRequest;
import org.apache.kafka.common.requests.InitProducerIdResponse;

/**
 * Gives an idempotent producer its id, with epoch 0. A producer with a transactional id is refused with UNSUPPORTED_VERSION,
 * which clients report at once instead of retrying, as long as no transaction coordinator is served.
 */
public final class InitProducerIdHandler implements RequestHandler {
    private final ProducerIds ids;

    /** @param allocate asks the quorum for a block of ids for this broker */
    public InitProducerIdHandler(Supplier<CompletableFuture<IdRange>> allocate) {
        this.ids = new ProducerIds(allocate);
    }

    @Override
    public void handle(KafkaRequest request) {
        InitProducerIdRequestData body = ((InitProducerIdRequest) request.body()).data();
        if (body.transactionalId() != null && body.transactionalId().isEmpty()) {
            throw new InvalidRequestException("transactional.id must not be empty");
        }
        if (body.transactionalId() != null) {
            throw new UnsupportedVersionException(
                    "Transactions are not served by this broker yet: configure the producer"
                            + " without transactional.id (it was " + body.transactionalId() + ")");
        }
        boolean hasId = body.producerId() != RecordBatch.NO_PRODUCER_ID;
        boolean hasEpoch = body.producerEpoch() != RecordBatch.NO_PRODUCER_EPOCH;
        if (hasId != hasEpoch) {
            throw new InvalidRequestException("Producer id " + body.producerId() + " and epoch " + body.producerEpoch()
                    + " must be given both or neither");
        }
        Replies.whenDone(
                request,
                ids.take().exceptionallyCompose(error -> CompletableFuture.failedFuture(retriable(error))),
                id -> new InitProducerIdResponse(
                        new InitProducerIdResponseData().setProducerId(id).setProducerEpoch((short) 0)));
    }

    /** A quorum that does not answer now is, to a producer, a coordinator that is not ready: it retries by itself. */
    private static Throwable retriable(Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        return cause instanceof ApiException
                ? cause
                : new CoordinatorLoadInProgressException("No block of producer ids could be had now; retry", cause);
    }
}
