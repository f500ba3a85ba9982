// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.ClusterController.ControllerSpec;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.List;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.requests.ApiError;

/** Commands on what the nodes know, and on the levels they keep to: how they are encoded and run. */
final class FeatureCommandTypes {
    private static final int UPDATE_VERSION = 2;

    static final Codec<FreshetVersion.Range> VERSIONS = Codec.of(
            (out, range) -> {
                out.writeInt(range.oldest());
                out.writeInt(range.newest());
            },
            in -> new FreshetVersion.Range((short) in.readInt(), (short) in.readInt()));

    static final CommandType<UpdateFeaturesRequestData, ApiError> UPDATE_FEATURES = CommandType.of(
                    90,
                    "updateFeatures",
                    Codec.of(
                            (out, request) -> out.writeMessage(request, UPDATE_VERSION),
                            in -> in.readMessage(new UpdateFeaturesRequestData(), UPDATE_VERSION)),
                    Codec.of(TopicCommandTypes::writeError, TopicCommandTypes::readError),
                    (controller, request) -> controller.updateFeatures(request))
            .repeatable();

    static final CommandType<ControllerSpec, Done> REGISTER_CONTROLLER = CommandType.doing(
                    91,
                    "registerController",
                    Codec.of(
                            (CommandWriter out, ControllerSpec spec) -> {
                                out.writeInt(spec.nodeId());
                                out.writeUuid(spec.incarnationId());
                                BrokerCommandTypes.writeEndpoints(out, spec.listeners());
                                VERSIONS.write(out, spec.versions());
                            },
                            in -> new ControllerSpec(
                                    in.readInt(),
                                    in.readUuid(),
                                    BrokerCommandTypes.readEndpoints(in),
                                    VERSIONS.read(in))),
                    (controller, spec) -> controller.registerController(spec))
            .repeatable();

    static final List<CommandType<?, ?>> ALL = List.of(UPDATE_FEATURES, REGISTER_CONTROLLER);

    private FeatureCommandTypes() {}
}
