// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.metadata.ClusterController.ConfigChange;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;

/**
 * Commands on topics and configurations: how they are encoded and run. Kafka's messages are at fixed versions; a change of
 * one is a new version of the command. None is repeated unless it only validates: a repeat would find its own work done.
 */
final class TopicCommandTypes {
    private static final int CREATE_TOPICS_VERSION = 7;
    private static final int CREATE_PARTITIONS_VERSION = 3;

    private static final Codec<Map<ConfigResource, ApiError>> CONFIG_ERRORS = Codec.of(
            (out, errors) -> out.writeMap(errors, TopicCommandTypes::writeResource, TopicCommandTypes::writeError),
            in -> in.readMap(TopicCommandTypes::readResource, TopicCommandTypes::readError));

    static final CommandType<CreateTopics, CreateTopicsResponseData> CREATE_TOPICS = CommandType.of(
                    1,
                    "createTopics",
                    Codec.of(
                            (CommandWriter out, CreateTopics asked) -> {
                                out.writeMessage(asked.request, CREATE_TOPICS_VERSION);
                                out.writeList(asked.describable, CommandWriter::writeString);
                            },
                            in -> new CreateTopics(
                                    in.readMessage(new CreateTopicsRequestData(), CREATE_TOPICS_VERSION),
                                    in.readSet(CommandReader::readString))),
                    Codec.of(
                            (out, answer) -> out.writeMessage(answer, CREATE_TOPICS_VERSION),
                            in -> in.readMessage(new CreateTopicsResponseData(), CREATE_TOPICS_VERSION)),
                    (controller, asked) -> controller.createTopics(asked.request, asked.describable))
            .repeatableIf(asked -> asked.request.validateOnly());

    static final CommandType<List<Uuid>, Map<Uuid, ApiError>> DELETE_TOPICS = CommandType.of(
            2,
            "deleteTopics",
            Codec.<List<Uuid>>of(
                    (out, ids) -> out.writeList(ids, CommandWriter::writeUuid),
                    in -> in.readList(CommandReader::readUuid)),
            Codec.<Map<Uuid, ApiError>>of(
                    (out, errors) -> out.writeMap(errors, CommandWriter::writeUuid, TopicCommandTypes::writeError),
                    in -> in.readMap(CommandReader::readUuid, TopicCommandTypes::readError)),
            (controller, ids) -> controller.deleteTopics(ids));

    static final CommandType<CreatePartitions, List<CreatePartitionsTopicResult>> CREATE_PARTITIONS = CommandType.of(
                    3,
                    "createPartitions",
                    Codec.of(
                            (CommandWriter out, CreatePartitions asked) -> {
                                out.writeList(
                                        asked.topics, (to, topic) -> to.writeMessage(topic, CREATE_PARTITIONS_VERSION));
                                out.writeBoolean(asked.validateOnly);
                            },
                            in -> new CreatePartitions(
                                    in.readList(from ->
                                            from.readMessage(new CreatePartitionsTopic(), CREATE_PARTITIONS_VERSION)),
                                    in.readBoolean())),
                    Codec.<List<CreatePartitionsTopicResult>>of(
                            (out, results) -> out.writeList(
                                    results, (to, result) -> to.writeMessage(result, CREATE_PARTITIONS_VERSION)),
                            in -> in.readList(from ->
                                    from.readMessage(new CreatePartitionsTopicResult(), CREATE_PARTITIONS_VERSION))),
                    (controller, asked) -> controller.createPartitions(asked.topics, asked.validateOnly))
            .repeatableIf(asked -> asked.validateOnly);

    static final CommandType<ConfigChanges, Map<ConfigResource, ApiError>> INCREMENTAL_ALTER_CONFIGS = CommandType.of(
                    4,
                    "incrementalAlterConfigs",
                    Codec.of(TopicCommandTypes::writeChanges, TopicCommandTypes::readChanges),
                    CONFIG_ERRORS,
                    (controller, asked) -> controller.incrementalAlterConfigs(asked.changes, asked.validateOnly))
            .repeatableIf(asked -> asked.validateOnly);

    static final CommandType<ConfigValues, Map<ConfigResource, ApiError>> LEGACY_ALTER_CONFIGS = CommandType.of(
                    5,
                    "legacyAlterConfigs",
                    Codec.of(TopicCommandTypes::writeValues, TopicCommandTypes::readValues),
                    CONFIG_ERRORS,
                    (controller, asked) -> controller.legacyAlterConfigs(asked.values, asked.validateOnly))
            .repeatableIf(asked -> asked.validateOnly);

    static final List<CommandType<?, ?>> ALL =
            List.of(CREATE_TOPICS, DELETE_TOPICS, CREATE_PARTITIONS, INCREMENTAL_ALTER_CONFIGS, LEGACY_ALTER_CONFIGS);

    private TopicCommandTypes() {}

    record CreateTopics(CreateTopicsRequestData request, Set<String> describable) {}

    record CreatePartitions(List<CreatePartitionsTopic> topics, boolean validateOnly) {}

    record ConfigChanges(Map<ConfigResource, Map<String, ConfigChange>> changes, boolean validateOnly) {}

    record ConfigValues(Map<ConfigResource, Map<String, String>> values, boolean validateOnly) {}

    private static void writeChanges(CommandWriter out, ConfigChanges asked) {
        out.writeMap(
                asked.changes,
                TopicCommandTypes::writeResource,
                (to, changes) -> to.writeMap(changes, CommandWriter::writeString, (each, change) -> {
                    each.writeByte(change.operation().id());
                    each.writeString(change.value());
                }));
        out.writeBoolean(asked.validateOnly);
    }

    private static ConfigChanges readChanges(CommandReader in) {
        return new ConfigChanges(
                in.readMap(
                        TopicCommandTypes::readResource,
                        from -> from.readMap(CommandReader::readString, TopicCommandTypes::readChange)),
                in.readBoolean());
    }

    private static ConfigChange readChange(CommandReader in) {
        byte operation = in.readByte();
        for (OpType known : OpType.values()) {
            if (known.id() == operation) {
                return new ConfigChange(known, in.readNullableString());
            }
        }
        throw in.damaged("names the unknown configuration operation " + operation);
    }

    private static void writeValues(CommandWriter out, ConfigValues asked) {
        out.writeMap(
                asked.values,
                TopicCommandTypes::writeResource,
                (to, values) -> to.writeMap(values, CommandWriter::writeString, CommandWriter::writeString));
        out.writeBoolean(asked.validateOnly);
    }

    private static ConfigValues readValues(CommandReader in) {
        return new ConfigValues(
                in.readMap(
                        TopicCommandTypes::readResource,
                        from -> from.readMap(CommandReader::readString, CommandReader::readString)),
                in.readBoolean());
    }

    private static void writeResource(CommandWriter out, ConfigResource resource) {
        out.writeByte(resource.type().id());
        out.writeString(resource.name());
    }

    private static ConfigResource readResource(CommandReader in) {
        return new ConfigResource(ConfigResource.Type.forId(in.readByte()), in.readString());
    }

    static void writeError(CommandWriter out, ApiError error) {
        out.writeShort(error.error().code());
        out.writeString(error.message());
    }

    static ApiError readError(CommandReader in) {
        return new ApiError(Errors.forCode(in.readShort()), in.readNullableString());
    }
}
