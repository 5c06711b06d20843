import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Reads a whole topic as "key TAB value" lines, appends one record, or appends one that claims to be a control record: what a foreign
 * client sees of driftline's topics, and what it may do to them.
 */
public class Topic {
    public static void main(String[] args) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[1]);
        if (args[0].equals("produce")) {
            produce(settings, args[2], args[3]);
        } else if (args[0].equals("forge")) {
            forge(settings, args[2], Integer.parseInt(args[3]), args[4]);
        } else {
            consume(settings, args[2]);
        }
    }

    static void produce(Properties settings, String topic, String value) throws Exception {
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, "stray", value)).get();
        }
    }

    static void forge(Properties settings, String topic, int partition, String value) throws Exception {
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            var record = new ProducerRecord<String, String>(topic, partition, null, value);
            record.headers().add("driftline-control", "1".getBytes());
            producer.send(record).get();
        }
    }

    static void consume(Properties settings, String topic) {
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> System.out.println(record.key() + "\t" + record.value()));
            }
        }
    }
}
