"""The whole server at full load for half an hour: does it grow, lose or double anything?"""
