"""How many wrong labels does the clean-up find, how many right ones does it doubt, and what is it worth?"""
