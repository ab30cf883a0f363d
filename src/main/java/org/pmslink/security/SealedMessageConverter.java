package org.pmslink.security;

import static java.nio.charset.StandardCharsets.UTF_8;

import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.Session;
import org.springframework.jms.support.converter.MessageConversionException;
import org.springframework.jms.support.converter.MessageConverter;

/**
 * Seals the body of every message on its way to a queue and opens it on its way out, so that a
 * broker, its disk and its console never see patient data. Headers and properties stay readable,
 * because the broker works with them: no patient data may be put there. A text body comes back as
 * its UTF-8 bytes.
 */
public final class SealedMessageConverter implements MessageConverter {
  private static final String PURPOSE = "queue";

  private final PayloadCipher cipher;

  public SealedMessageConverter(PayloadCipher cipher) {
    this.cipher = cipher;
  }

  @Override
  public Message toMessage(Object body, Session session) throws JMSException {
    BytesMessage message = session.createBytesMessage();
    message.writeBytes(cipher.seal(bytesOf(body), PURPOSE));
    return message;
  }

  @Override
  public Object fromMessage(Message message) throws JMSException {
    if (!(message instanceof BytesMessage sealed)) {
      throw new MessageConversionException("A message on the queue is not sealed");
    }
    byte[] bytes = new byte[Math.toIntExact(sealed.getBodyLength())];
    // Camel may ask for the body more than once.
    sealed.reset();
    sealed.readBytes(bytes);
    return cipher.open(bytes, PURPOSE);
  }

  private static byte[] bytesOf(Object body) {
    if (body instanceof byte[] bytes) {
      return bytes;
    }
    if (body instanceof String text) {
      return text.getBytes(UTF_8);
    }
    throw new MessageConversionException(
        "Only bytes or text can be put on a queue, not " + body.getClass().getName());
  }
}
