# SPDX-License-Identifier: Apache-2.0
# stompgem against stompd, in all three versions.
# Rules: I6 I12 I15 I17
#
# Needs: ruby -e 'require "stomp"' -- apt install ruby-stomp
require 'stomp'
require 'timeout'
require 'logger'

PORT = Integer(ENV['STOMP_PORT'])
DEADLINE = Float(ENV['STOMPD_TEST_DEADLINE'])
VERSIONS = %w[1.0 1.1 1.2].freeze
$count = 0
$failed = false

def assert(condition, text)
  raise text unless condition
end

def testcase(name)
  $count += 1
  Timeout.timeout(DEADLINE * 2) { yield }
  puts "ok #{$count} - #{name}"
rescue StandardError => e
  $failed = true
  puts "not ok #{$count} - #{name}", "#   #{e.class}: #{e.message}"
ensure
  $stdout.flush
end

def connect(version)
  headers = version == '1.0' ? {} : { 'accept-version' => version,
                                      'host' => '127.0.0.1' }
  connection = Stomp::Connection.new(
    hosts: [{ login: 'user', passcode: 'secret', host: '127.0.0.1',
              port: PORT }],
    reliable: false, connect_headers: headers
  )
  assert(connection.protocol == version, "got #{connection.protocol}")
  connection
end

def receive(connection, command)
  frame = connection.receive
  assert(frame && frame.command == command, "expected #{command}: #{frame}")
  frame
end

def ack_id(version, frame)
  version == '1.2' ? frame.headers['ack'] : frame.headers['message-id']
end

def bye(connection)
  connection.disconnect(receipt: 'bye')
  assert(connection.disconnect_receipt.headers['receipt-id'] == 'bye',
         'no receipt for DISCONNECT')
end

VERSIONS.each do |version|
  extra = ->(id) { version == '1.0' ? {} : { id: id } }
  sub = ->(id) { version == '1.1' ? { subscription: id } : {} }

  testcase("sends with receipts, receives and acks (#{version})") do
    connection = connect(version)
    name = "/queue/ruby.#{version}"
    10.times do |i|
      connection.publish(name, "żółw #{i}", receipt: i.to_s,
                                            persistent: 'true', colour: 'a:b')
      assert(receive(connection, 'RECEIPT').headers['receipt-id'] == i.to_s,
             'wrong receipt')
    end
    connection.subscribe(name, { ack: 'client' }.merge(extra.call('s')))
    frame = nil
    10.times do |i|
      frame = receive(connection, 'MESSAGE')
      body = frame.body.dup.force_encoding('UTF-8')
      assert(body == "żółw #{i}", "body #{body}")
      assert(frame.headers['colour'] == 'a:b', frame.headers.to_s)
    end
    connection.ack(ack_id(version, frame),
                   { receipt: 'acked' }.merge(sub.call('s')))
    assert(receive(connection, 'RECEIPT').headers['receipt-id'] == 'acked',
           'wrong receipt')
    bye(connection)
  end

  testcase("un-acked messages come again (#{version})") do
    first = connect(version)
    name = "/queue/ruby.again.#{version}"
    first.subscribe(name, { ack: 'client' }.merge(extra.call('s')))
    first.publish(name, 'x')
    assert(!receive(first, 'MESSAGE').headers.key?('redelivered'),
           'redelivered at once')
    bye(first)
    second = connect(version)
    second.subscribe(name, { ack: 'client' }.merge(extra.call('s')))
    frame = receive(second, 'MESSAGE')
    assert(frame.headers['redelivered'] == 'true', frame.headers.to_s)
    second.ack(ack_id(version, frame), sub.call('s'))
    bye(second)
  end

  testcase("transactions (#{version})") do
    connection = connect(version)
    name = "/queue/ruby.tx.#{version}"
    connection.subscribe(name, extra.call('s'))
    connection.begin('t1')
    connection.publish(name, 'aborted', transaction: 't1')
    connection.abort('t1')
    connection.begin('t2')
    connection.publish(name, 'committed', transaction: 't2')
    connection.commit('t2')
    assert(receive(connection, 'MESSAGE').body == 'committed', 'wrong body')
    bye(connection)
  end

  testcase("binary bodies pass unchanged (#{version})") do
    connection = connect(version)
    name = "/queue/ruby.binary.#{version}"
    bytes = (0..255).to_a.pack('C*')
    connection.publish(name, bytes)
    connection.subscribe(name, extra.call('s'))
    assert(receive(connection, 'MESSAGE').body.b == bytes, 'wrong bytes')
    connection.unsubscribe(name, extra.call('s'))
    bye(connection)
  end

  next if version == '1.0'

  testcase("NACK brings a message again (#{version})") do
    connection = connect(version)
    name = "/queue/ruby.nack.#{version}"
    connection.subscribe(name, { ack: 'client-individual', id: 's' })
    connection.publish(name, 'x')
    frame = receive(connection, 'MESSAGE')
    connection.nack(ack_id(version, frame), sub.call('s'))
    frame = receive(connection, 'MESSAGE')
    assert(frame.headers['redelivered'] == 'true', frame.headers.to_s)
    connection.ack(ack_id(version, frame), sub.call('s'))
    bye(connection)
  end
end

puts "1..#{$count}"
exit($failed ? 1 : 0)
