"""What a contact list is: cells, phone numbers, rows and reports. No network, no MCP."""
