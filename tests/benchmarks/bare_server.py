"""The least that an MCP server with as many tools takes: the SDK's own, with tools that do nothing."""

from mcp.server import MCPServer

import audiences_mcp

TOOLS = 12

server = MCPServer("bare", version=audiences_mcp.__version__)


async def empty() -> None:
    """Do nothing."""


if __name__ == "__main__":
    for number in range(TOOLS):
        server.add_tool(empty, name=f"empty_{number}")
    server.run()
